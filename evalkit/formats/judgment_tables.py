"""Read the judgments of a table: with ids, or with the texts of the queries, as Quepid and people write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from evalkit.errors import DataFormatError
from evalkit.formats.column_names import (
    DOCUMENT_OF_JUDGMENTS,
    GRADE_OF_JUDGMENTS,
    QUERY_OF_JUDGMENTS,
    column_name,
    compared,
)
from evalkit.formats.identifiers import check_id
from evalkit.formats.rated_rows import NamedBy, RatedRow, RatedRows
from evalkit.formats.row_files import WITHOUT_HEADER, Rows, looks_like_data
from evalkit.formats.text_files import File

_QUERY_TEXT = ("query_text",)
_QUERY = ("query", "question", "search_term", "search", "keyword", "keywords")
"""Names of columns that hold the id or the text."""
_QUERIES = compared(*QUERY_OF_JUDGMENTS, *_QUERY_TEXT, *_QUERY)
_DOCUMENTS, _GRADES = compared(*DOCUMENT_OF_JUDGMENTS), compared(*GRADE_OF_JUDGMENTS)
_DETAILED = compared("team_name", "case_name", "case_id", "query_text", "doc_id", "doc_position", "rating")
"""Columns of Quepid's detailed export; others are fields of the documents."""
_OTHER_EXPORTS = (
    (
        compared("snapshot_name", "query_text", "doc_position"),
        "a snapshot of Quepid, a ranked list without ratings",
    ),
    (
        compared("case_name", "query_text", "date_last_scored"),
        "Quepid's general export, which has scores of queries",
    ),
    (compared("query", "information_need"), "Quepid's export of information needs, which has no ratings"),
)
_BASIC = "export the case as Basic (CSV), Detailed or LTR"


@dataclass(frozen=True, slots=True)
class JudgmentNames:
    """Names of the columns of judgments; None to find them by their usual names.

    Attributes
    ----------
    query
        Id or text of the query.
    document
        Id of the document.
    grade
        The grade.
    """

    query: str | None = None
    document: str | None = None
    grade: str | None = None


@dataclass(frozen=True, slots=True)
class _Roles:
    """The columns that are used: of the query, of its text if there are two, of the document and of the grade."""

    query: str
    named_by: NamedBy
    text: str | None
    document: str
    grade: str


def read_judgment_table(rows: Rows, path: File, names: JudgmentNames | None = None) -> RatedRows:
    """Return the judgments of a table with a header.

    A column ``query_id`` has ids, ``query_text`` texts; in a column ``query`` there may be either. Case, blanks and
    hyphens of the names do not count: ``Query Text`` is ``query_text``.

    Parameters
    ----------
    rows
        The rows of the table.
    path
        The file, for messages.
    names
        Names of the columns.

    Raises
    ------
    DataFormatError
        If a column is missing, or several columns may be the one.
    """
    first = next(rows, None)
    if first is None:
        raise DataFormatError(f"{path} contains no judgments")
    roles = _roles(list(first[1]), path, names or JudgmentNames())
    texts: dict[str, str] = {}
    return RatedRows(_rated(chain([first], rows), roles, texts), roles.named_by, texts)


def has_short_rows(cells: Iterable[str]) -> bool:
    """Return whether a header is that of Quepid's detailed export: its rows of queries without documents are short."""
    return compared(*cells) >= _DETAILED


def is_judgment_header(cells: Iterable[str]) -> bool:
    """Return whether cells are the names of columns of judgments, or of another table that Quepid exports."""
    known = compared(*cells)
    return all(known & names for names in (_QUERIES, _DOCUMENTS, _GRADES)) or any(
        columns <= known for columns, _ in _OTHER_EXPORTS
    )


def names_query(columns: Iterable[str]) -> bool:
    """Return whether one of the columns has the usual name of one with queries."""
    return bool(compared(*columns) & _QUERIES)


def _roles(columns: list[str], path: File, names: JudgmentNames) -> _Roles:
    plain = {column: column_name(column) for column in columns}
    if names == JudgmentNames():
        _check_has_ratings(columns, set(plain.values()), path)
        if set(plain.values()) >= _DETAILED:  # the fields of the documents that follow have any name
            plain = {column: name for column, name in plain.items() if name in _DETAILED}
    query = _column(plain, names.query, QUERY_OF_JUDGMENTS, path, "query", required=False)
    text = _column(plain, None, _QUERY_TEXT, path, "query", required=False)
    other = _column(plain, None, _QUERY, path, "query", required=query is None and text is None)
    named_by: NamedBy = "id or text" if names.query or (query is None and text is None) else "id"
    if query is None and text is not None and other is None:
        query, text, named_by = text, None, "text"
    elif query is None:
        query = other
    elif text is None and other != query:
        text = other
    document = _column(plain, names.document, DOCUMENT_OF_JUDGMENTS, path, "document's id")
    grade = _column(plain, names.grade, GRADE_OF_JUDGMENTS, path, "grade")
    if query is None or document is None or grade is None:
        raise AssertionError("required columns are found, or an error is raised")
    return _Roles(query, named_by, text, document, grade)


def _check_has_ratings(columns: list[str], plain: set[str], path: File) -> None:
    for known, name in _OTHER_EXPORTS:
        if known <= plain and not plain & (_GRADES - {"score"}):
            raise DataFormatError(f"{path} is {name}", _BASIC)
    if looks_like_data(columns) and not plain & (_QUERIES | _DOCUMENTS | _GRADES):
        raise DataFormatError(f"{path}:1 looks like data, not like the names of columns", WITHOUT_HEADER)


def _column(
    plain: Mapping[str, str],
    name: str | None,
    usual: Sequence[str],
    path: File,
    what: str,
    *,
    required: bool = True,
) -> str | None:
    """Return the named column, or the only one with a usual name; None if there is none and none is required."""
    if name is not None:
        if name not in plain:
            raise DataFormatError(
                f"{path} has no column {name!r}", f"use one of its columns: {', '.join(plain)}"
            )
        return name
    found = [column for column, known in plain.items() if known in compared(*usual)]
    if len(found) > 1:
        raise DataFormatError(
            f"{path} has {len(found)} columns that may be the {what}: {', '.join(found)}",
            "keep one of them, or name it in a dataset with source: tables",
        )
    if not found and required:
        raise DataFormatError(
            f"{path} has no column for the {what}; its columns: {', '.join(plain) or 'none'}",
            f"name the column in the dataset's block, or rename it to one of: {', '.join(usual)}",
        )
    return found[0] if found else None


def _rated(rows: Rows, roles: _Roles, texts: dict[str, str]) -> Iterator[RatedRow]:
    for where, row in rows:
        for column in (roles.query, roles.document, roles.grade):
            if column not in row:
                raise DataFormatError(f"{where} has no column {column!r}", "give every row the same columns")
        named = row[roles.query]
        query = check_id(named, where) if roles.named_by == "id" else _as_text(named, where)
        text = None if roles.text is None else row.get(roles.text)
        if isinstance(text, str) and text.strip() and texts.setdefault(query, text.strip()) != text.strip():
            raise DataFormatError(
                f"{where}: query {query!r} occurs with two different texts", "fix the ids or the texts"
            )
        yield RatedRow(where, query, row[roles.document], row[roles.grade])


def _as_text(value: Any, where: str) -> str:
    """Return the name of a query without surrounding white space: Quepid adds some to formulas, and removes it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if not isinstance(value, str) or not value.strip():
        raise DataFormatError(f"{where}: the query is empty or no text", "give every row its query")
    return value.strip()
