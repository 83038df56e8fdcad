"""Convert rows with named columns to documents, queries and judgments: usual column names, checks and errors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from evalkit.config import Settings
from evalkit.datasets.corpora import RawDocument
from evalkit.errors import DataFormatError, nearest_name_hint
from evalkit.formats import WITHOUT_HEADER, Rows, looks_like_data, number_of
from evalkit.formats import check_id as check_id  # noqa: PLC0414 - the sources import it from here
from evalkit.records import Query
from evalkit.records.qrels import HIGHEST_GRADE, check_grade

Row = Mapping[str, Any]
Grades = dict[str, Annotated[int, Field(ge=-HIGHEST_GRADE, le=HIGHEST_GRADE)]]

DOC_ID = ("_id", "id", "doc_id", "docid", "docno", "pid", "corpus-id", "corpus_id")
QUERY_ID = ("_id", "id", "query_id", "query-id", "qid", "num")
TITLE = ("title",)
TEXT = ("text", "contents", "body", "passage", "document")
QUERY_TEXT = ("text", "query", "question", "title")
JUDGED_QUERY = ("query-id", "query_id", "qid")
JUDGED_DOCUMENT = ("corpus-id", "corpus_id", "doc_id", "docid", "docno", "pid")
GRADE = ("score", "grade", "relevance", "label", "rel")


class DocumentColumns(Settings):
    """Column names of a corpus (default: common names).

    Attributes
    ----------
    id, title, text
        Names of the columns.
    """

    id: str | None = None
    title: str | None = None
    text: str | None = None


class QueryColumns(Settings):
    """Column names of queries (default: common names).

    Attributes
    ----------
    id, text
        Names of the columns.
    """

    id: str | None = None
    text: str | None = None


class JudgmentColumns(Settings):
    """Column names of judgments (default: common names).

    Attributes
    ----------
    query, document
        Names of the columns with the ids.
    grade
        Name of the column with the grade.
    grades
        Grade of each value, if the column contains words: ``{Exact: 3, Substitute: 2, Irrelevant: 0}``.
    """

    query: str | None = None
    document: str | None = None
    grade: str | None = None
    grades: Grades = Field(default_factory=dict)


def documents(rows: Rows, columns: DocumentColumns) -> Iterator[RawDocument]:
    """Yield the documents of a corpus; a null text becomes an empty one."""
    names: set[str] = set()
    doc_id = title = text = ""
    for where, row in rows:
        if row.keys() != names:  # most rows have the same columns: find them once
            names = set(row)
            doc_id = require_column(row, columns.id, DOC_ID, where, "identifier")
            title = find_column(row, columns.title, TITLE, where) or ""
            text = require_column(row, columns.text, TEXT, where, "text")
        yield RawDocument(
            check_id(row[doc_id], where),
            check_text(row[title], where, "title") if title else "",
            check_text(row[text], where, "text"),
        )


def queries(rows: Rows, columns: QueryColumns) -> Iterator[Query]:
    """Yield queries; other columns of their rows become their fields."""
    for where, row in rows:
        query_id = require_column(row, columns.id, QUERY_ID, where, "identifier")
        text = require_column(row, columns.text, QUERY_TEXT, where, "text")
        fields = extra_fields(row, {query_id, text})
        yield Query(check_id(row[query_id], where), check_text(row[text], where, "text"), fields)


def judgments(rows: Rows, columns: JudgmentColumns) -> Iterator[tuple[str, str, int]]:
    """Yield ``(query_id, doc_id, grade)``."""
    for where, row in rows:
        yield (
            check_id(required_value(row, columns.query, JUDGED_QUERY, where, "query"), where),
            check_id(required_value(row, columns.document, JUDGED_DOCUMENT, where, "document"), where),
            parse_grade(required_value(row, columns.grade, GRADE, where, "grade"), columns.grades, where),
        )


def find_column(row: Row, name: str | None, usual: Sequence[str], where: str) -> str | None:
    """Return the configured column, or the first of the usual columns that the row has, or None.

    Parameters
    ----------
    row
        A row of the table.
    name
        The configured column; None if none is configured.
    usual
        Usual names of the column.
    where
        Position of the row, for errors.

    Raises
    ------
    DataFormatError
        If the row lacks the configured column.
    """
    if name is None:
        return next((column for column in usual if column in row), None)
    if name not in row:
        raise DataFormatError(
            f"{_header_position(where)} has no column {name!r}",
            f"use one of its columns: {', '.join(map(str, row))}",
        )
    return name


def _header_position(where: str) -> str:
    """Return the position of the header for the first row of a CSV or TSV file; other positions stay as they are."""
    return re.sub(r"(\.[ct]sv(?:\.\w+)?):2$", r"\1:1", where)


def require_column(row: Row, name: str | None, usual: Sequence[str], where: str, what: str) -> str:
    """Return the column as `find_column` does; raise `DataFormatError` if the row has none."""
    column = find_column(row, name, usual, where)
    if column is None:
        raise DataFormatError(
            f"{_header_position(where)} has no column for the {what}; its columns:"
            f" {', '.join(map(str, row)) or 'none'}",
            WITHOUT_HEADER
            if re.search(r"\.[ct]sv(?:\.\w+)?:", where) and looks_like_data(map(str, row))
            else f"name the column in the configuration, or use one of: {', '.join(usual)}",
        )
    return column


def required_value(row: Row, name: str | None, usual: Sequence[str], where: str, what: str) -> Any:
    """Return the value of a required column; see `require_column`."""
    return row[require_column(row, name, usual, where, what)]


def optional_value(row: Row, name: str | None, usual: Sequence[str], where: str) -> Any:
    """Return the value of an optional column; None if the row has none."""
    column = find_column(row, name, usual, where)
    return None if column is None else row[column]


def check_text(value: Any, where: str, what: str) -> str:
    """Return a text; null and pandas' nan become an empty text.

    Raises
    ------
    DataFormatError
        If the value is not text.
    """
    if value is None or value != value:  # noqa: PLR0124 - only nan differs from itself
        return ""
    if not isinstance(value, str):
        raise DataFormatError(f"{where}: the {what} is not text (found {value!r})", f"use text as the {what}")
    return value


def parse_grade(value: Any, grades: Mapping[str, int], where: str) -> int:
    """Return the grade of a value: by the mapping `grades` if there is one, else the whole number that it denotes.

    Raises
    ------
    DataFormatError
        If the value is not in the mapping, or not a whole number, or beyond the highest grade.
    """
    if grades:
        if str(value) in grades:
            return grades[str(value)]
        known = f"add it to grades, which contains {', '.join(grades)}"
        near = nearest_name_hint(str(value).strip().lower(), grades)
        hint = (
            f"{known}; {near} white space and case are significant"
            if near.startswith("did you mean")
            else known
        )
        raise DataFormatError(f"{where} has the grade {value!r}", hint)
    try:
        number = number_of(value)
    except (TypeError, ValueError):
        number = math.nan
    if number.is_integer():
        return check_grade(int(number), where)
    raise DataFormatError(
        f"{where} has the grade {value!r}",
        "use whole numbers, or map words to numbers with grades: {relevant: 1, irrelevant: 0}",
    )


def extra_fields(row: Row, used: Iterable[str]) -> dict[str, str]:
    """Return the scalar values of a row's unused columns, and of its ``metadata``, as text."""
    metadata = row.get("metadata")
    unused = {key: value for key, value in row.items() if key not in {*used, "metadata"}}
    extra = {**(metadata if isinstance(metadata, dict) else {}), **unused}
    return {key: str(value) for key, value in extra.items() if isinstance(value, str | int | float | bool)}
