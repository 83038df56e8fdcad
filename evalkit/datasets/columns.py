"""Convert rows with named columns to documents, queries and judgments: usual column names, checks and errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from evalkit.config import Settings
from evalkit.datasets.corpora import RawDocument
from evalkit.datasets.images import refuse_images
from evalkit.errors import DataFormatError, nearest_name_hint
from evalkit.formats import WITHOUT_HEADER, Rows, grade_of, looks_like_data
from evalkit.formats import check_id as check_id  # noqa: PLC0414 - the sources import it from here
from evalkit.formats.column_names import GRADE, JUDGED_DOCUMENT, JUDGED_QUERY
from evalkit.records import Query
from evalkit.records.qrels import HIGHEST_GRADE, check_grade

Row = Mapping[str, Any]
_Bounds = Field(ge=-HIGHEST_GRADE, le=HIGHEST_GRADE)
Grades = dict[str, Annotated[int, _Bounds] | Annotated[float, _Bounds]]

DOC_ID = ("_id", "id", "corpus-id", "corpus_id", "doc_id", "docid", "docno", "pid")
"""In ViDoRe, ``corpus_id`` is the page, and ``doc_id`` the file that contains it."""
QUERY_ID = ("_id", "id", "query_id", "query-id", "qid", "num")
TITLE = ("title",)
TEXT = ("text", "contents", "body", "passage", "document", "content", "doc", "markdown", "text_description")
QUERY_TEXT = ("text", "query", "question", "title")
INSTRUCTION = "instruction"
RELEVANT_DOCUMENTS = ("gold_ids", "gold_ids_long", "positive-corpus-ids")
"""Columns of ids in BRIGHT and in NanoBEIR with BM25 rankings; their names say that the documents are relevant."""
EXCLUDED = ("excluded_ids",)
NO_IDS = "N/A"
"""How BRIGHT writes an empty list of ids: a list with only this value."""


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
    instruction
        Name of the column with the instruction of a query, if there is one: what else a relevant document must fulfil.
        It is sent to rerankers and not to first stages.
    excluded
        Name of the column with a list of documents that are never candidates of the query (default:
        ``excluded_ids``, as in BRIGHT).
    """

    id: str | None = None
    text: str | None = None
    instruction: str | None = None
    excluded: str | None = None


class JudgmentColumns(Settings):
    """Column names of judgments (default: common names).

    Attributes
    ----------
    query, document
        Names of the columns with the ids. A cell may contain a list of documents.
    grade
        Name of the column with the grade.
    grades
        Grade of each value, if the column contains words: ``{Exact: 3, Substitute: 2, Irrelevant: 0}``.
    fixed_grade
        Grade of every row of a table without grades. It is not needed for a table with the two ids only: its rows
        are relevant (grade 1).
    """

    query: str | None = None
    document: str | None = None
    grade: str | None = None
    grades: Grades = Field(default_factory=dict)
    fixed_grade: Annotated[int, Field(ge=1, le=HIGHEST_GRADE)] | None = None

    @model_validator(mode="after")
    def _check_grade(self) -> Self:
        if self.fixed_grade is not None and (self.grade is not None or self.grades):
            raise ValueError("needs either 'fixed_grade', or 'grade' and 'grades'")
        return self


def documents(rows: Rows, columns: DocumentColumns) -> Iterator[RawDocument]:
    """Yield the documents of a corpus; a null text becomes an empty one."""
    names: set[str] = set()
    doc_id = title = text = ""
    for where, row in rows:
        if row.keys() != names:  # most rows have the same columns: find them once
            names = set(row)
            doc_id = require_column(row, columns.id, DOC_ID, where, "identifier")
            title = find_column(row, columns.title, TITLE, where) or ""
            if find_column(row, columns.text, TEXT, where) is None:
                refuse_images(row, where, "corpus: {text: ...}")
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
        instruction = columns.instruction or INSTRUCTION
        fields = extra_fields(row, {query_id, text, instruction})
        fields.pop(instruction, None)  # that of the metadata
        yield Query(
            check_id(row[query_id], where),
            check_text(row[text], where, "text"),
            fields,
            find_instruction(row, columns.instruction, where),
        )


def find_instruction(row: Row, name: str | None, where: str) -> str:
    """Return the instruction of a query, from a column or from the row's ``metadata``; empty for none.

    Parameters
    ----------
    row
        A row of the table.
    name
        The configured column; None for ``instruction``, which a row may lack.
    where
        Position of the row, for errors.

    Raises
    ------
    DataFormatError
        If the row lacks the configured column, or the instruction is not text.
    """
    metadata = row.get("metadata")
    column = name or INSTRUCTION
    if column not in row and isinstance(metadata, dict) and column in metadata:
        row = metadata
    text = check_text(optional_value(row, name, (INSTRUCTION,), where), where, "instruction")
    return text if text.strip() else ""


def queries_with_exclusions(
    rows: Rows, columns: QueryColumns
) -> tuple[tuple[Query, ...], dict[str, frozenset[str]]]:
    """Return queries, and query id -> documents that its row excludes; see `queries`."""
    excluded: dict[str, frozenset[str]] = {}

    def noted() -> Rows:
        for where, row in rows:
            cell = optional_value(row, columns.excluded, EXCLUDED, where)
            if cell not in (None, "", NO_IDS) and (doc_ids := frozenset(check_ids(cell, where))):
                query_id = required_value(row, columns.id, QUERY_ID, where, "identifier")
                excluded[check_id(query_id, where)] = doc_ids
            yield where, row

    found = tuple(queries(noted(), columns))
    return found, excluded


def read_judgment_rows(rows: Rows, columns: JudgmentColumns) -> tuple[Iterator[tuple[str, str, float]], bool]:
    """Return an iterator over ``(query_id, doc_id, grade)``, and whether the table has no grades.

    Without grades, every row is relevant: if the table has no columns except the two ids, if the name of the column of
    documents says so, or if `fixed_grade` states it.

    Raises
    ------
    DataFormatError
        If the table has no grades and other columns, or, during iteration, if a row is invalid or lacks the grade
        that the first row has.
    """
    first = next(rows, None)
    if first is None:
        return iter(()), False
    where, row = first
    ungraded = is_ungraded(row, columns, where)
    return _judgments(chain([first], rows), columns, ungraded=ungraded), ungraded


def is_ungraded(row: Row, columns: JudgmentColumns, where: str) -> bool:
    """Return whether a table has no grades, from its first row; see `read_judgment_rows`.

    Raises
    ------
    DataFormatError
        If the table has no grades and other columns.
    """
    if columns.fixed_grade is not None:
        return True
    if find_column(row, columns.grade, GRADE, where):
        return False
    document = _document_column(row, columns, where)
    ids = {_query_column(row, columns, where), document}
    if document in RELEVANT_DOCUMENTS or row.keys() <= ids:
        return True
    raise DataFormatError(
        f"{_header_position(where)} has no column for the grade; its columns: {', '.join(map(str, row))}",
        f"name the column with qrels: {{grade: ...}}, use one of: {', '.join(GRADE)}, or set"
        " qrels: {fixed_grade: 1} if every row is a relevant document",
    )


def _query_column(row: Row, columns: JudgmentColumns, where: str) -> str:
    """Return the column of query ids; a table of queries that lists its relevant documents has the names of queries."""
    is_query_table = find_column(row, None, RELEVANT_DOCUMENTS, where) is not None
    usual = (*JUDGED_QUERY, *QUERY_ID) if is_query_table else JUDGED_QUERY
    return require_column(row, columns.query, usual, where, "query")


def _document_column(row: Row, columns: JudgmentColumns, where: str) -> str:
    return require_column(row, columns.document, (*JUDGED_DOCUMENT, *RELEVANT_DOCUMENTS), where, "document")


def _judgments(
    rows: Iterable[tuple[str, Row]], columns: JudgmentColumns, *, ungraded: bool
) -> Iterator[tuple[str, str, float]]:
    names: set[str] = set()
    query = document = ""
    for where, row in rows:
        if row.keys() != names:  # most rows have the same columns: find them once
            names = set(row)
            query, document = _query_column(row, columns, where), _document_column(row, columns, where)
            if is_ungraded(row, columns, where) != ungraded:
                which = (
                    "a grade, which the first row does not have"
                    if ungraded
                    else "no grade, as the first row has"
                )
                raise DataFormatError(f"{where} has {which}", "use the same columns in every row")
        no_list = document in RELEVANT_DOCUMENTS and row[document] is None
        query_id = check_id(row[query], where)
        doc_ids = [] if no_list else check_ids(row[document], where)
        grades = (
            [columns.fixed_grade or 1] * len(doc_ids) if ungraded else _grades(row, columns, doc_ids, where)
        )
        for doc_id, grade in zip(doc_ids, grades, strict=True):
            yield query_id, doc_id, grade


def _grades(row: Row, columns: JudgmentColumns, doc_ids: Sequence[str], where: str) -> list[float]:
    """Return the grades of a row's documents: one for all of them, or a list of grades."""
    cell = required_value(row, columns.grade, GRADE, where, "grade")
    values = cell if isinstance(cell, list) else [cell] * len(doc_ids)
    if len(values) != len(doc_ids):
        raise DataFormatError(
            f"{where} has {len(doc_ids)} documents and {len(values)} grades",
            "use one grade for each document",
        )
    return [parse_grade(value, columns.grades, where) for value in values]


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
            else f"name the column in the dataset's block, or rename it to one of: {', '.join(usual)}",
        )
    return column


def required_value(row: Row, name: str | None, usual: Sequence[str], where: str, what: str) -> Any:
    """Return the value of a required column; see `require_column`."""
    return row[require_column(row, name, usual, where, what)]


def optional_value(row: Row, name: str | None, usual: Sequence[str], where: str) -> Any:
    """Return the value of an optional column; None if the row has none."""
    column = find_column(row, name, usual, where)
    return None if column is None else row[column]


def check_ids(cell: Any, where: str) -> list[str]:
    """Return the identifiers of a cell: one, or a list of them; BRIGHT's ``["N/A"]`` contains none."""
    if cell == [NO_IDS]:
        return []
    values = cell if isinstance(cell, list) else [cell]
    return [check_id(value, where) for value in values]


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


def parse_grade(value: Any, grades: Mapping[str, float], where: str) -> float:
    """Return the grade of a value: by the mapping `grades` if there is one, else the number that it denotes.

    Raises
    ------
    DataFormatError
        If the value is not in the mapping, or not a number, or beyond the highest grade.
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
    grade = grade_of(value)
    if grade is not None:
        return check_grade(grade, where)
    if value is None:
        raise DataFormatError(f"{where} has no grade", "give every judgment a grade, or remove its row")
    raise DataFormatError(
        f"{where} has the grade {value!r}",
        "use numbers, or map words to numbers with grades: {relevant: 1, irrelevant: 0}",
    )


def extra_fields(row: Row, used: Iterable[str]) -> dict[str, str]:
    """Return the scalar values of a row's unused columns, and of its ``metadata``, as text."""
    metadata = row.get("metadata")
    unused = {key: value for key, value in row.items() if key not in {*used, "metadata"}}
    extra = {**(metadata if isinstance(metadata, dict) else {}), **unused}
    return {key: str(value) for key, value in extra.items() if isinstance(value, str | int | float | bool)}
