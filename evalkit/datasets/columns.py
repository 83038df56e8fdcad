"""From rows with named columns to documents, queries and judgments: one place for names, checks and errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from evalkit.config import Settings
from evalkit.datasets.corpora import RawDocument
from evalkit.errors import DataFormatError, nearest_name_hint
from evalkit.formats import Rows
from evalkit.records import Query

Row = Mapping[str, Any]

DOC_ID = ("_id", "id", "doc_id", "docid", "docno", "pid", "corpus-id", "corpus_id")
QUERY_ID = ("_id", "id", "query_id", "query-id", "qid", "num")
TITLE = ("title",)
TEXT = ("text", "contents", "body", "passage", "document")
QUERY_TEXT = ("text", "query", "question", "title")
JUDGED_QUERY = ("query-id", "query_id", "qid")
JUDGED_DOCUMENT = ("corpus-id", "corpus_id", "doc_id", "docid", "docno", "pid")
GRADE = ("score", "grade", "relevance", "label", "rel")


class DocumentColumns(Settings):
    """Names of a corpus's columns; absent, the usual names are looked for.

    Attributes
    ----------
    id, title, text
        The column that holds it.
    """

    id: str | None = None
    title: str | None = None
    text: str | None = None


class QueryColumns(Settings):
    """Names of the columns of queries; absent, the usual names are looked for.

    Attributes
    ----------
    id, text
        The column that holds it.
    """

    id: str | None = None
    text: str | None = None


class JudgmentColumns(Settings):
    """Names of the columns of judgments; absent, the usual names are looked for.

    Attributes
    ----------
    query, document
        The columns of the two ids.
    grade
        The column of the relevance.
    grades
        Grade of each value of that column, where it holds words: ``{Exact: 3, Substitute: 2, Irrelevant: 0}``.
    """

    query: str | None = None
    document: str | None = None
    grade: str | None = None
    grades: dict[str, int] = Field(default_factory=dict)


def documents(rows: Rows, columns: DocumentColumns) -> Iterator[RawDocument]:
    """Yield the documents of a corpus; a text that is null is empty."""
    names: set[str] = set()
    doc_id = title = text = ""
    for where, row in rows:
        if row.keys() != names:  # looked for once, since most rows are alike
            names = set(row)
            doc_id = needed(row, columns.id, DOC_ID, where, "identifier")
            title = find(row, columns.title, TITLE, where) or ""
            text = needed(row, columns.text, TEXT, where, "text")
        yield RawDocument(
            identifier(row[doc_id], where),
            plain(row[title], where, "title") if title else "",
            plain(row[text], where, "text"),
        )


def queries(rows: Rows, columns: QueryColumns) -> Iterator[Query]:
    """Yield queries, with what else their rows hold as fields."""
    for where, row in rows:
        query_id = needed(row, columns.id, QUERY_ID, where, "identifier")
        text = needed(row, columns.text, QUERY_TEXT, where, "text")
        others = further(row, {query_id, text})
        yield Query(identifier(row[query_id], where), plain(row[text], where, "text"), others)


def judgments(rows: Rows, columns: JudgmentColumns) -> Iterator[tuple[str, str, int]]:
    """Yield ``(query_id, doc_id, grade)``."""
    for where, row in rows:
        yield (
            identifier(required(row, columns.query, JUDGED_QUERY, where, "query"), where),
            identifier(required(row, columns.document, JUDGED_DOCUMENT, where, "document"), where),
            grade(required(row, columns.grade, GRADE, where, "grade"), columns.grades, where),
        )


def find(row: Row, name: str | None, usual: Sequence[str], where: str) -> str | None:
    """Return the column that was named, or the first of the usual ones that is there, or None.

    Raises
    ------
    DataFormatError
        If a column was named that the row lacks.
    """
    if name is None:
        return next((one for one in usual if one in row), None)
    if name not in row:
        raise DataFormatError(
            f"{_header_of(where)} has no column {name!r}", f"its columns: {', '.join(map(str, row))}"
        )
    return name


def _header_of(where: str) -> str:
    """Return where a row's columns are named: a table that names them does so in its first line."""
    return re.sub(r"(\.[ct]sv(?:\.\w+)?):2$", r"\1:1", where)


def needed(row: Row, name: str | None, usual: Sequence[str], where: str, what: str) -> str:
    """Return the column as `find` does; it has to be there."""
    found = find(row, name, usual, where)
    if found is None:
        raise DataFormatError(
            f"{_header_of(where)} has no column for the {what}; it has {', '.join(map(str, row)) or 'none'}",
            f"the usual names are {', '.join(usual)}",
        )
    return found


def required(row: Row, name: str | None, usual: Sequence[str], where: str, what: str) -> Any:
    """Return the value of a column that has to be there."""
    return row[needed(row, name, usual, where, what)]


def optional(row: Row, name: str | None, usual: Sequence[str], where: str) -> Any:
    """Return the value of a column that may be absent: None then."""
    found = find(row, name, usual, where)
    return None if found is None else row[found]


def identifier(value: Any, where: str) -> str:
    """Return an identifier that survives TREC files: text without white space, or a whole number as text."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas makes whole numbers floats where one of a column is missing
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value or value != "".join(value.split()):
        raise DataFormatError(
            f"{where}: no usable identifier (found {value!r})", "an identifier is text without white space"
        )
    return value


def plain(value: Any, where: str, what: str) -> str:
    """Return text; what is null, or pandas' nan, is empty."""
    if value is None or value != value:  # noqa: PLR0124 - nan alone differs from itself
        return ""
    if not isinstance(value, str):
        raise DataFormatError(
            f"{where}: the {what} is not text (found {value!r})", f"give the {what} a string"
        )
    return value


def grade(value: Any, grades: Mapping[str, int], where: str) -> int:
    """Return a grade: a whole number, however written, or what a word stands for."""
    if grades:
        if str(value) in grades:
            return grades[str(value)]
        known = f"grades: names {', '.join(grades)}"
        near = nearest_name_hint(str(value).strip().lower(), grades)
        hint = f"{known}; {near} white space and case count" if near.startswith("did you mean") else known
        raise DataFormatError(f"{where} has the grade {value!r}", hint)
    try:
        number = float(value)
        if number.is_integer():
            return int(number)
    except (TypeError, ValueError):
        pass
    raise DataFormatError(
        f"{where} has the grade {value!r}",
        "a grade is a whole number; say what words stand for: grades: {relevant: 1, irrelevant: 0}",
    )


def further(row: Row, known: Iterable[str]) -> dict[str, str]:
    """Return the plain values of a row's other keys, and of its ``metadata``, as text."""
    metadata = row.get("metadata")
    other = {key: value for key, value in row.items() if key not in {*known, "metadata"}}
    held = {**(metadata if isinstance(metadata, dict) else {}), **other}
    return {key: str(value) for key, value in held.items() if isinstance(value, str | int | float | bool)}
