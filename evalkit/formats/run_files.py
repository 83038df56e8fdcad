"""Read TREC runs: ``query_id Q0 doc_id rank score tag``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.errors import DataFormatError
from evalkit.formats.column_names import column_name
from evalkit.formats.ordinary_rows import parsed_blocks
from evalkit.formats.plain_numbers import is_plain, number_of
from evalkit.formats.run_rows import NO_RANK, RunRows, ordinary_run_rows
from evalkit.formats.text_files import File, read_blocks
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
    rows = RunRows()
    for number, row, ended in _careful_rows(path, rows):
        _add_row(rows, row, f"{path}:{number}")
        if not ended and _is_cut_tag(row[5], rows.tags):
            raise cut_off(f"{path}:{number}")
    rows.flush()
    if not rows.tags:
        raise DataFormatError(f"{path} contains no rows")
    if rows.rise_with_rank:
        raise DataFormatError(
            f"{path}: the scores rise with the ranks, as distances do",
            "write scores of which a higher one is better, such as negated distances",
        )
    try:
        run = rows.as_run(tag or next(iter(rows.tags)))
    except DataFormatError as error:
        raise DataFormatError(f"{path}: {error.message}", error.hint) from None
    return RunFile(run, tuple(rows.commented))


def _careful_rows(path: File, found: RunRows) -> Iterator[tuple[int, list[str], bool]]:
    """Yield line number, columns and whether the line has an end, of each row, but append ordinary blocks to `found`.

    Raises
    ------
    DataFormatError
        If a row has fewer than six columns, or words after the tag that an id with white space may have caused.
    """
    first, table = True, False
    for block, rows in parsed_blocks(read_blocks(path), ordinary_run_rows):
        if rows is not None and not first:
            found.add_table(rows)
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


def _is_header(columns: list[str]) -> bool:
    return (
        len(columns) == len(COLUMNS)
        and column_name(columns[4]) in _SCORE_NAMES
        and column_name(columns[3]) == "rank"
    )


def _is_shifted(columns: list[str]) -> bool:
    """Return whether the columns of a long row are not what they seem, as behind a document id with white space."""
    return not _is_rank(columns[3]) or _is_number(columns[5])


def _add_row(rows: RunRows, row: list[str], where: str) -> None:
    """Append a row.

    Raises
    ------
    DataFormatError
        If its score or its rank is not a number of ASCII digits, or an id has white space or invisible characters.
    """
    query_id, _, doc_id, rank, score, tag = row[:6]
    try:
        value = number_of(score)
    except ValueError:
        raise DataFormatError(f"{where} has the score {score!r}", "use numbers as scores") from None
    if not is_plain(rank) and _is_number_of_python(rank):
        raise DataFormatError(f"{where} has the rank {rank!r}", "use the digits 0 to 9 in ranks")
    check_ids(query_id, doc_id, where)
    rows.add_row(query_id, doc_id, int(rank) if _is_rank(rank) else NO_RANK, value, tag)


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


def _is_rank(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
