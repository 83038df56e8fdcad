"""Read and write TREC runs: ``query_id Q0 doc_id rank score tag``."""

from __future__ import annotations

from pathlib import Path

from evalkit.errors import DataFormatError
from evalkit.formats.text_files import File, open_lines, write_gzip
from evalkit.records import Run


def read_run(path: File, tag: str | None = None) -> Run:
    """Read a TREC run, plain or compressed.

    Scores determine the order; the rank column is ignored, as in trec_eval.

    Parameters
    ----------
    path
        The file.
    tag
        Tag of the run; the tag in the file if None.

    Raises
    ------
    DataFormatError
        If a row does not have six columns, a score is not a finite number, a query lists a document twice, or the
        file has no rows. The message names the file and, for the first two, query or line.
    """
    query_ids: list[str] = []
    doc_ids: list[str] = []
    scores: list[float] = []
    file_tag = path.stem
    for number, line in open_lines(path):
        columns = line.split()
        if len(columns) != 6:
            raise DataFormatError(
                f"{path}:{number} has {len(columns)} columns",
                "use the columns query_id Q0 doc_id rank score tag",
            )
        try:
            scores.append(float(columns[4]))
        except ValueError:
            raise DataFormatError(
                f"{path}:{number} has the score {columns[4]!r}", "use numbers as scores"
            ) from None
        query_ids.append(columns[0])
        doc_ids.append(columns[2])
        file_tag = columns[5]
    if not query_ids:
        raise DataFormatError(f"{path} contains no rows")
    try:
        return Run.from_rows(tag or file_tag, query_ids, doc_ids, scores)
    except DataFormatError as error:
        raise DataFormatError(f"{path}: {error.message}", error.hint) from None


def write_run(run: Run, path: Path) -> None:
    """Write a gzipped TREC run; scores are written so that they read back exactly equal."""
    rows = [
        f"{query_id} Q0 {doc_id} {rank} {score!r} {run.tag}\n"
        for query_id, docs, scores in run
        for rank, (doc_id, score) in enumerate(zip(docs, scores.tolist(), strict=True), start=1)
    ]
    write_gzip(path, "".join(rows))
