"""Read TREC runs: ``query_id Q0 doc_id rank score tag``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from evalkit.errors import DataFormatError
from evalkit.formats.column_names import column_name
from evalkit.formats.ordinary_rows import ordinary_columns
from evalkit.formats.plain_numbers import is_plain, number_of
from evalkit.formats.text_files import Block, File, read_blocks
from evalkit.formats.trec_lines import (
    check_ids,
    check_line_end,
    columns_of,
    cut_off,
    is_comment,
    wrong_width,
)
from evalkit.records import Run

COLUMNS = ("query_id", "Q0", "doc_id", "rank", "score", "tag")
_HINT = f"use the columns {' '.join(COLUMNS)}"
_SCORE_NAMES = {"score", "sim", "similarity"}
FEW_ROWS = 10
"""So many scores that rise with the rank, without any that falls, are no chance."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of the rows so far."""

    query_ids: list[str] = field(default_factory=list)
    doc_ids: list[str] = field(default_factory=list)
    ranks: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    tags: Counter[str] = field(default_factory=Counter)
    """Tag -> number of rows, in the order of the first row of each."""
    commented: list[int] = field(default_factory=list)
    """Numbers of the lines that are comments though they have the columns of a row."""


@dataclass(frozen=True, slots=True, eq=False)
class RunFile:
    """A run as it was read.

    Attributes
    ----------
    run
        The run.
    commented
        Numbers of the lines that are comments though they have the columns of a row.
    """

    run: Run
    commented: tuple[int, ...]


def read_run(path: File, tag: str | None = None) -> Run:
    """Read a TREC run; see `read_run_file`."""
    return read_run_file(path, tag).run


def read_run_file(path: File, tag: str | None = None) -> RunFile:
    """Read a TREC run, plain or compressed, as trec_eval 10 reads it.

    Scores determine the order; the rank column is ignored. Lines that begin with ``#`` are comments, and words after
    the tag are ignored. The tag is that of the first row. A header line is skipped; in a file with a header and tabs
    between the columns, ids may begin with ``#``.

    A file whose scores rise with the ranks throughout is refused: they are distances, and the order would be the
    opposite of the engine's.

    Parameters
    ----------
    path
        The file.
    tag
        Tag of the run; the tag in the file if None.

    Raises
    ------
    DataFormatError
        If a row has fewer than six columns, a score is not a finite number, a rank has digits of another script,
        scores rise with the ranks, a query lists a document twice, the file is cut off, or has no rows. The message
        names the file and query or line.
    """
    columns = _Columns()
    for number, row, ended in _careful_rows(path, columns):
        _add_row(columns, row, f"{path}:{number}")
        if not ended and _is_cut_tag(row[5], columns.tags):
            raise cut_off(f"{path}:{number}")
    if not columns.query_ids:
        raise DataFormatError(f"{path} contains no rows")
    if _rises_with_rank(columns.query_ids, columns.ranks, columns.scores):
        raise DataFormatError(
            f"{path}: the scores rise with the ranks, as distances do",
            "write scores of which a higher one is better, such as negated distances",
        )
    try:
        run = Run.from_rows(
            tag or next(iter(columns.tags)), columns.query_ids, columns.doc_ids, columns.scores
        )
    except DataFormatError as error:
        raise DataFormatError(f"{path}: {error.message}", error.hint) from None
    return RunFile(run, tuple(columns.commented))


def _careful_rows(path: File, found: _Columns) -> Iterator[tuple[int, list[str], bool]]:
    """Yield line number, columns and whether the line has an end, of each row, but append ordinary blocks to `found`.

    Raises
    ------
    DataFormatError
        If a row has fewer than six columns, or words after the tag that an id with white space may have caused.
    """
    first, table = True, False
    for block in read_blocks(path):
        if not first and _add_ordinary(found, block):
            continue
        for number, line, ended in block.ended_lines():
            check_line_end(line, f"{path}:{number}")
            columns = columns_of(line)
            if is_comment(line, table=table):
                if len(columns) >= len(COLUMNS) and _is_rank(columns[3]) and _is_number(columns[4]):
                    found.commented.append(number)
            elif first and _is_header(columns):
                first, table = False, "\t" in line
            else:
                if len(columns) < 6 and not first and not ended:
                    raise cut_off(f"{path}:{number}")
                if len(columns) < 6 or (len(columns) > 6 and _is_shifted(columns)):
                    raise wrong_width(columns, f"{path}:{number}", _HINT)
                first = False
                yield number, columns, ended


def _add_ordinary(found: _Columns, block: Block) -> bool:
    """Append the rows of a block at once; return False, and append none, if one of its lines needs care."""
    columns = ordinary_columns(block.lines, len(COLUMNS))
    if columns is None:
        return False
    query_ids, _, doc_ids, ranks, scores, tags = columns
    if "_" in "".join(scores) or not "".join(ranks).isdigit():
        return False
    try:
        values = list(map(float, scores))
    except ValueError:
        return False
    found.query_ids.extend(query_ids)
    found.doc_ids.extend(doc_ids)
    found.ranks.extend(ranks)
    found.scores.extend(values)
    found.tags.update({tags[0]: len(tags)} if len(set(tags)) == 1 else tags)
    return True


def _is_header(columns: list[str]) -> bool:
    return (
        len(columns) == len(COLUMNS)
        and column_name(columns[4]) in _SCORE_NAMES
        and column_name(columns[3]) == "rank"
    )


def _is_shifted(columns: list[str]) -> bool:
    """Return whether the columns of a long row are not what they seem, as behind a document id with white space."""
    return not _is_rank(columns[3]) or _is_number(columns[5])


def _add_row(columns: _Columns, row: list[str], where: str) -> None:
    """Append a row.

    Raises
    ------
    DataFormatError
        If its score or its rank is not a number of ASCII digits, or an id has white space or invisible characters.
    """
    query_id, _, doc_id, rank, score, tag = row[:6]
    try:
        columns.scores.append(number_of(score))
    except ValueError:
        raise DataFormatError(f"{where} has the score {score!r}", "use numbers as scores") from None
    if not is_plain(rank) and _is_number_of_python(rank):
        raise DataFormatError(f"{where} has the rank {rank!r}", "use the digits 0 to 9 in ranks")
    check_ids(query_id, doc_id, where)
    columns.query_ids.append(query_id)
    columns.doc_ids.append(doc_id)
    columns.ranks.append(rank)
    columns.tags[tag] += 1


def _is_number(text: str) -> bool:
    return is_plain(text) and _is_number_of_python(text)


def _is_number_of_python(text: str) -> bool:
    """Return whether Python reads a text as a number: with underscores or digits of other scripts, too."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_cut_tag(tag: str, tags: Counter[str]) -> bool:
    """Return whether the tag of the last row is the beginning of the one tag that all other rows have."""
    first, *others = tags
    return others == [tag] and tags[tag] == 1 and first.startswith(tag)


def _rises_with_rank(query_ids: list[str], ranks: list[str], scores: list[float]) -> bool:
    """Return whether each score is higher than that of the rank before it, or equal; False for a few rows."""
    rising = 0
    for row in range(1, len(scores)):
        if query_ids[row] == query_ids[row - 1] and _is_rank(ranks[row]) and _is_rank(ranks[row - 1]):
            step = (scores[row] - scores[row - 1]) * (int(ranks[row]) - int(ranks[row - 1]))
            if step < 0:  # the usual file ends the search here
                return False
            rising += step > 0
    return rising >= FEW_ROWS


def _is_rank(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
