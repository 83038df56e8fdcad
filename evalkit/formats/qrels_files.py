"""Judgments: TREC qrels and BEIR's TSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evalkit.errors import DataFormatError
from evalkit.formats.text_files import File, open_lines, write_gzip
from evalkit.records import Qrels

_HEADERS = {"query-id", "query_id", "queryid", "qid", "query", "topic", "topic_id"}
"""Names of the first column, by which a header is told from a row."""


def read_qrels(path: File) -> Qrels:
    """Read judgments: ``query_id iteration doc_id grade`` or ``query_id doc_id grade``, with or without a header.

    Columns are separated by tabs where the first line holds them alone, else by white space. BEIR's layout is three
    columns below the header ``query-id  corpus-id  score``.

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


def _rows(path: File) -> Iterator[tuple[str, str, int]]:
    tabs, wanted = False, 0
    for number, line in open_lines(path):
        if not wanted:
            tabs = "\t" in line and " " not in line.strip()
        columns = line.split("\t") if tabs else line.split()
        if not wanted:
            wanted = len(columns) if len(columns) in {3, 4} else 4
            if columns[0].strip().lower() in _HEADERS and not _is_whole(columns[-1]):
                continue
        if len(columns) != wanted:
            names = "query_id, doc_id, grade" if wanted == 3 else "query_id, iteration, doc_id, grade"
            raise DataFormatError(f"{path}:{number} has {len(columns)} columns", f"a row holds {names}")
        query_id, doc_id = columns[0], columns[-2]
        if len(f"{query_id} {doc_id}".split()) != 2:
            raise DataFormatError(f"{path}:{number} has an id with white space, or none", "mend the ids")
        if not _is_whole(columns[-1]):
            raise DataFormatError(
                f"{path}:{number} has the grade {columns[-1]!r}", "a grade is a whole number"
            )
        yield query_id, doc_id, int(float(columns[-1]))


def _is_whole(text: str) -> bool:
    """Return whether text is a whole number, be it written ``2.0``."""
    try:
        return float(text).is_integer()
    except ValueError:
        return False


def write_qrels(qrels: Qrels, path: Path) -> None:
    """Write judgments as gzipped TREC qrels, in the order held."""
    rows = [f"{q} 0 {d} {g}\n" for q, docs in qrels.grades.items() for d, g in docs.items()]
    write_gzip(path, "".join(rows))


def _with_path(path: File, message: str) -> str:
    return (
        message if message.startswith((str(path), "file not found", "cannot read")) else f"{path}: {message}"
    )
