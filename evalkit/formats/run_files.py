"""TREC runs: ``query_id Q0 doc_id rank score tag``."""

from __future__ import annotations

from pathlib import Path

from evalkit.errors import DataFormatError
from evalkit.formats.text_files import File, open_lines, write_gzip
from evalkit.records import Run


def read_run(path: File, tag: str | None = None) -> Run:
    """Read a TREC run, plain or packed.

    The rank column is ignored, as trec_eval ignores it: scores decide.

    Parameters
    ----------
    path
        The file.
    tag
        Name to give the run; the file's own tag where None.

    Raises
    ------
    DataFormatError
        With file and line, where a row does not have six columns, a score is not a finite
        number, or a query lists a document twice.
    """
    query_ids: list[str] = []
    doc_ids: list[str] = []
    scores: list[float] = []
    own_tag = path.stem
    for number, line in open_lines(path):
        columns = line.split()
        if len(columns) != 6:
            raise DataFormatError(
                f"{path}:{number} has {len(columns)} columns", "a row holds query_id Q0 doc_id rank score tag"
            )
        try:
            scores.append(float(columns[4]))
        except ValueError:
            raise DataFormatError(
                f"{path}:{number} has the score {columns[4]!r}", "a score is a number"
            ) from None
        query_ids.append(columns[0])
        doc_ids.append(columns[2])
        own_tag = columns[5]
    if not query_ids:
        raise DataFormatError(f"{path} holds no rows")
    try:
        return Run.from_rows(tag or own_tag, query_ids, doc_ids, scores)
    except DataFormatError as error:
        raise DataFormatError(f"{path}: {error.message}", error.hint) from None


def write_run(run: Run, path: Path) -> None:
    """Write a gzipped TREC run; scores keep every bit (shortest text that reads back equal)."""
    rows = [
        f"{query_id} Q0 {doc_id} {rank} {score!r} {run.tag}\n"
        for query_id, docs, scores in run
        for rank, (doc_id, score) in enumerate(zip(docs, scores.tolist(), strict=True), start=1)
    ]
    write_gzip(path, "".join(rows))
