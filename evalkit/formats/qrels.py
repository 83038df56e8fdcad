"""Judgments: TREC qrels and BEIR's TSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evalkit.errors import DataFormatError
from evalkit.formats.text_files import open_lines, write_gzip
from evalkit.records import Qrels


def read_qrels(path: Path) -> Qrels:
    """Read judgments, in TREC's four columns or as BEIR's three with a header.

    TREC: ``query_id iteration doc_id grade``, separated by white space. BEIR:
    ``query-id  corpus-id  score``, separated by tabs, below that header.

    Raises
    ------
    DataFormatError
        With file and line, where a row has other columns, a grade is not a whole number, or
        a pair is judged twice with different grades.
    """
    try:
        qrels = Qrels.from_rows(_rows(path))
    except DataFormatError as error:
        raise DataFormatError(_with_path(path, error.message), error.hint) from None
    if not qrels.grades:
        raise DataFormatError(f"{path} holds no judgments")
    return qrels


def _rows(path: Path) -> Iterator[tuple[str, str, int]]:
    beir = False
    for number, line in open_lines(path):
        if number == 1 and line.split("\t")[0] in {"query-id", "query_id"}:
            beir = True
            continue
        columns = line.split("\t") if beir else line.split()
        if len(columns) != (3 if beir else 4):
            wanted = "query-id, corpus-id, score" if beir else "query_id, iteration, doc_id, grade"
            raise DataFormatError(f"{path}:{number} has {len(columns)} columns", f"a row holds {wanted}")
        query_id, doc_id, grade = columns[0], columns[-2], columns[-1]
        if len(f"{query_id} {doc_id}".split()) != 2:
            raise DataFormatError(f"{path}:{number} has an id with white space, or none", "mend the ids")
        try:
            yield query_id, doc_id, int(grade)
        except ValueError:
            raise DataFormatError(
                f"{path}:{number} has the grade {grade!r}", "a grade is a whole number"
            ) from None


def write_qrels(qrels: Qrels, path: Path) -> None:
    """Write judgments as gzipped TREC qrels, in the order held."""
    rows = [f"{q} 0 {d} {g}\n" for q, docs in qrels.grades.items() for d, g in docs.items()]
    write_gzip(path, "".join(rows))


def _with_path(path: Path, message: str) -> str:
    return (
        message if message.startswith((str(path), "file not found", "cannot read")) else f"{path}: {message}"
    )
