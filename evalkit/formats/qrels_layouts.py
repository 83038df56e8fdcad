"""The layout of a file of judgments, from its first line."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.errors import DataFormatError
from evalkit.formats.column_names import (
    DOCUMENT_OF_JUDGMENTS,
    GRADE_OF_JUDGMENTS,
    QUERY_OF_JUDGMENTS,
    column_name,
    compared,
)
from evalkit.formats.plain_numbers import number_of
from evalkit.formats.trec_lines import columns_of, tab_columns, wrong_width

_QUERY, _DOC, _GRADE, _SUBTOPIC = "query", "document", "grade", "subtopic"
_KINDS = {
    _QUERY: compared(*QUERY_OF_JUDGMENTS, "query", "topicno"),
    _DOC: compared(*DOCUMENT_OF_JUDGMENTS, "document", "doc", "passage"),
    _GRADE: compared(*GRADE_OF_JUDGMENTS, "qrel"),
    _SUBTOPIC: compared("subtopic", "subtopic_id", "facet", "aspect", "intent"),
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names}
_ORDERS = {
    2: (_QUERY, _DOC),
    3: (_QUERY, _DOC, _GRADE),
    4: (_QUERY, _SUBTOPIC, _DOC, _GRADE),
}
"""Number of columns -> what they are; the second of four may be an iteration, which has no meaning, instead."""
WITHOUT_MEANING = {"", "-", "0", "q0", "Q0"}
"""Values of the iteration column that name neither a round nor a subtopic."""
_NAMES = {3: "query_id, doc_id, grade", 4: "query_id, iteration, doc_id, grade"}


@dataclass(frozen=True, slots=True)
class QrelsLayout:
    """How the rows of a file of judgments are read.

    Attributes
    ----------
    width
        Number of columns. With two, every pair is relevant.
    header
        Whether the first line names the columns.
    table
        Whether only tabs separate columns; ids may then begin with ``#``.
    by_subtopic
        Whether the header says that the second column is a subtopic.
    """

    width: int
    header: bool = False
    table: bool = False
    by_subtopic: bool = False

    def split(self, line: str) -> list[str]:
        """Return the columns of a row; their number may be wrong."""
        if self.table:
            return tab_columns(line)
        columns = tab_columns(line) if "\t" in line else []
        return columns if len(columns) == self.width else columns_of(line)

    def wrong_width(self, columns: list[str], where: str) -> DataFormatError:
        """Return the error for a row with another number of columns."""
        names = _NAMES.get(self.width)
        return wrong_width(columns, where, f"use the columns {names or 'of the header'}")


def qrels_layout(line: str, where: str, *, comments: bool = True) -> QrelsLayout | None:
    """Return the layout of a file from its first line that is not blank; None if this line is a comment.

    A comment is such a line only where there are `comments`.

    Raises
    ------
    DataFormatError
        If the line has a number of columns that no layout has, names the columns in another order, or has two
        columns and no names.
    """
    tabs = tab_columns(line)
    if comments and line.lstrip().startswith("#"):
        return QrelsLayout(3, table=True) if len(tabs) == 3 and _is_number(tabs[-1]) else None
    for columns in (tabs, columns_of(line)):
        if _is_header(columns, where):
            table = columns is tabs and "\t" in line
            by_subtopic = len(columns) == 4 and _KIND_OF.get(column_name(columns[1])) == _SUBTOPIC
            return QrelsLayout(len(columns), header=True, table=table, by_subtopic=by_subtopic)
    only_tabs = "\t" in line and " " not in line.strip()
    columns = tabs if only_tabs and len(tabs) in _NAMES else columns_of(line)
    if len(columns) == 2:
        raise wrong_width(
            columns,
            where,
            "add a column of grades, or the header 'query-id corpus-id' if every pair is relevant",
        )
    if len(columns) not in _NAMES:
        raise wrong_width(columns, where, f"use the columns {_NAMES[4]}")
    if _has_ids_with_blanks(tabs, columns):
        return QrelsLayout(len(tabs), table=True)
    return QrelsLayout(len(columns), table=only_tabs and len(columns) == 3)


def _has_ids_with_blanks(tabs: list[str], columns: list[str]) -> bool:
    """Return whether a line is a row of three columns whose id would be split into an iteration and another id."""
    return (
        len(tabs) == 3
        and len(columns) == 4
        and columns[2:] == [*tabs[1].split(None, 1)[-1:], tabs[2]]
        and columns[1] not in WITHOUT_MEANING
    )


def _is_header(columns: list[str], where: str) -> bool:
    """Return whether a line names columns: two names at least are known, and the last column is no number.

    Raises
    ------
    DataFormatError
        If the names are in an order in which rows are not read.
    """
    kinds = [_KIND_OF.get(column_name(column)) for column in columns]
    order = _ORDERS.get(len(columns))
    known = sum(kind is not None for kind in kinds)
    if order is None or known < 2 or _is_number(columns[-1]):
        return False
    if any(kind not in {None, wanted} for kind, wanted in zip(kinds, order, strict=True)):
        raise DataFormatError(
            f"{where} names the columns {', '.join(columns)}",
            f"use the order {_NAMES.get(len(columns), 'query_id, doc_id')}",
        )
    return True


def _is_number(text: str) -> bool:
    """Return whether a text is a number, or has a digit of any script, so that it is no name of a column."""
    try:
        number_of(text)
    except ValueError:
        return any(character.isdigit() for character in text)
    return True
