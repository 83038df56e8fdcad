"""Read and write relevance judgments: TREC qrels and BEIR's TSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evalkit.errors import DataFormatError
from evalkit.formats.plain_numbers import number_of
from evalkit.formats.text_files import File, open_lines, write_gzip
from evalkit.records.qrels import HIGHEST_GRADE, Qrels, check_grade

_HEADERS = {"query-id", "query_id", "queryid", "qid", "query", "topic", "topic_id"}
"""Names of the first column that identify a header line."""
_MOST_COLUMNS = 20
"""Columns that are counted: a line of any length must not become a list of millions."""


def read_qrels(path: File, highest_grade: int = HIGHEST_GRADE) -> Qrels:
    """Read judgments: ``query_id iteration doc_id grade`` or ``query_id doc_id grade``, with or without a header.

    Columns are separated by tabs if the first line contains tabs and no spaces, else by white space. BEIR's layout is
    three columns with the header ``query-id  corpus-id  score``.

    Raises
    ------
    DataFormatError
        If a row has the wrong number of columns, an id contains white space, a grade is not a whole number or beyond
        `highest_grade`, a pair has two different grades, or the file has no judgments. The message names the file
        and, for a row, the line.
    """
    try:
        qrels = Qrels.from_rows(_rows(path, highest_grade), highest_grade)
    except DataFormatError as error:
        raise DataFormatError(_with_path(path, error.message), error.hint) from None
    if not qrels.grades:
        raise DataFormatError(f"{path} contains no judgments")
    return qrels


def _rows(path: File, highest_grade: int) -> Iterator[tuple[str, str, int]]:
    use_tabs, width = False, 0
    for number, line in open_lines(path):
        if not width:
            use_tabs = "\t" in line and " " not in line.strip()
        columns = line.split("\t", _MOST_COLUMNS) if use_tabs else line.split(None, _MOST_COLUMNS)
        if not width:
            width = len(columns) if len(columns) in {3, 4} else 4
            if columns[0].strip().lower() in _HEADERS and not _is_whole(columns[-1]):
                continue
        if len(columns) != width:
            names = "query_id, doc_id, grade" if width == 3 else "query_id, iteration, doc_id, grade"
            count = f"more than {_MOST_COLUMNS}" if len(columns) > _MOST_COLUMNS else str(len(columns))
            raise DataFormatError(f"{path}:{number} has {count} columns", f"use the columns {names}")
        query_id, doc_id = columns[0], columns[-2]
        if len(f"{query_id} {doc_id}".split()) != 2:
            raise DataFormatError(
                f"{path}:{number} has an empty id or an id with white space", "use ids without white space"
            )
        if not _is_whole(columns[-1]):
            raise DataFormatError(
                f"{path}:{number} has the grade {columns[-1]!r}", "use whole numbers as grades"
            )
        grade = int(float(columns[-1]))
        if abs(grade) > highest_grade:
            check_grade(grade, f"{path}:{number}", highest_grade)
        yield query_id, doc_id, grade


def _is_whole(text: str) -> bool:
    """Return whether text is a whole number, including the form ``2.0``."""
    try:
        return number_of(text).is_integer()
    except ValueError:
        return False


def write_qrels(qrels: Qrels, path: Path, *, inside: Path | None = None) -> None:
    """Write judgments as gzipped TREC qrels, in the order of `qrels`. See `write_file` for `inside`."""
    rows = [f"{q} 0 {d} {g}\n" for q, docs in qrels.grades.items() for d, g in docs.items()]
    write_gzip(path, "".join(rows), inside=inside)


def _with_path(path: File, message: str) -> str:
    """Return the message with the path in front, unless it already names the file."""
    names_file = message.startswith((str(path), "file not found", "cannot read"))
    return message if names_file else f"{path}: {message}"
