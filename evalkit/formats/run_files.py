"""Read and write TREC runs: ``query_id Q0 doc_id rank score tag``."""

from __future__ import annotations

from pathlib import Path

from evalkit.errors import DataFormatError
from evalkit.formats.plain_numbers import number_of
from evalkit.formats.text_files import File, open_lines, write_gzip
from evalkit.records import Run

_MOST_COLUMNS = 20
"""Columns that are counted: a line of any length must not become a list of millions."""
FEW_ROWS = 10
"""So many scores that rise with the rank, without any that falls, are no chance."""


def read_run(path: File, tag: str | None = None) -> Run:
    """Read a TREC run, plain or compressed.

    Scores determine the order; the rank column is ignored, as in trec_eval. A file whose scores rise with the ranks
    throughout is refused: they are distances, and the order would be the opposite of the engine's.

    Parameters
    ----------
    path
        The file.
    tag
        Tag of the run; the tag in the file if None.

    Raises
    ------
    DataFormatError
        If a row does not have six columns, a score is not a finite number, scores rise with the ranks, a query lists a
        document twice, or the file has no rows. The message names the file and, for the first two, query or line.
    """
    query_ids: list[str] = []
    doc_ids: list[str] = []
    ranks: list[str] = []
    scores: list[float] = []
    file_tag = path.stem
    for number, line in open_lines(path):
        columns = line.split(None, _MOST_COLUMNS)
        if len(columns) != 6:
            count = f"more than {_MOST_COLUMNS}" if len(columns) > _MOST_COLUMNS else str(len(columns))
            raise DataFormatError(
                f"{path}:{number} has {count} columns",
                "use the columns query_id Q0 doc_id rank score tag",
            )
        try:
            scores.append(number_of(columns[4]))
        except ValueError:
            raise DataFormatError(
                f"{path}:{number} has the score {columns[4]!r}", "use numbers as scores"
            ) from None
        query_ids.append(columns[0])
        doc_ids.append(columns[2])
        ranks.append(columns[3])
        file_tag = columns[5]
    if not query_ids:
        raise DataFormatError(f"{path} contains no rows")
    if _rises_with_rank(query_ids, ranks, scores):
        raise DataFormatError(
            f"{path}: the scores rise with the ranks, as distances do",
            "write scores of which a higher one is better, such as negated distances",
        )
    try:
        return Run.from_rows(tag or file_tag, query_ids, doc_ids, scores)
    except DataFormatError as error:
        raise DataFormatError(f"{path}: {error.message}", error.hint) from None


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


def write_run(run: Run, path: Path, *, inside: Path | None = None) -> None:
    """Write a gzipped TREC run; scores read back exactly equal. See `write_file` for `inside`."""
    rows = [
        f"{query_id} Q0 {doc_id} {rank} {score!r} {run.tag}\n"
        for query_id, docs, scores in run
        for rank, (doc_id, score) in enumerate(zip(docs, scores.tolist(), strict=True), start=1)
    ]
    write_gzip(path, "".join(rows), inside=inside)
