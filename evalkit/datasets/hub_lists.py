"""Read tables with one query per row and its documents in lists, such as MS MARCO's passages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import (
    DOC_ID,
    QUERY_ID,
    Row,
    check_id,
    check_text,
    find_column,
    find_instruction,
    optional_value,
    parse_grade,
    required_value,
)
from evalkit.datasets.pairs import QUERY, PairColumns, Pairs
from evalkit.errors import DataFormatError
from evalkit.formats import Rows

PASSAGES = ("passages",)
POSITIVES = ("positive", "positives", "pos", "positive_passages", "positive_ctxs")
NEGATIVES = ("negative", "negatives", "neg", "negative_passages", "negative_ctxs", "hard_negatives")
_NUMBERED_NEGATIVE = re.compile(r"(?:hard_)?neg(?:ative)?[-_]?[0-9]+")
"""A column of a table with one document in each column, as in the triplets of sentence-transformers."""
_TEXT = ("text", "passage_text", "contents", "passage")
_SELECTED = ("is_selected", "selected", "label", "relevance")


class ListColumns(PairColumns):
    """Column names of a table with queries and documents (default: common names).

    Attributes
    ----------
    config
        Configuration of the hub dataset; its only one where absent.
    positives, negatives
        Columns of relevant and of other documents, lists or one text each: grades 1 and 0. Other documents may also be
        in the columns ``negative_1``, ``negative_2``, ...
    passages
        Column of a list of documents that say themselves whether they are relevant (MS MARCO: ``is_selected``).
    """

    config: str | None = None
    positives: str | None = None
    negatives: str | None = None
    passages: str | None = None


def read_lists(rows: Rows, columns: ListColumns, location: str, split: str) -> Parts:
    """Read a table with a query and its documents in every row; if a pair has two grades, the higher one is used."""
    pairs = Pairs(keep_highest_grade=True)
    for where, row in rows:
        query_id = _add_query(pairs, row, columns, where)
        for item, grade in _graded_items(row, columns, where):
            doc_id = _add_document(pairs, item, where)
            pairs.add_judgment(query_id, doc_id, grade, where)
            pairs.add_candidate(query_id, doc_id, None)
    return pairs.parts(location, split)


def _add_query(pairs: Pairs, row: Row, columns: ListColumns, where: str) -> str:
    text = required_value(row, columns.query, QUERY, where, "query")
    if isinstance(text, list) and len(text) == 1:
        text = text[0]
    column = find_column(row, columns.query_id, QUERY_ID, where)
    query_id = check_id(row[column], where) if column else None
    instruction = find_instruction(row, columns.instruction, where)
    return pairs.add_query(check_text(text, where, "query"), query_id, where, instruction)


def _graded_items(row: Row, columns: ListColumns, where: str) -> Iterator[tuple[Any, float]]:
    """Yield each document of a row with its grade."""
    passages = optional_value(row, columns.passages, PASSAGES, where)
    if passages is not None:
        for item in _items(passages):
            if not isinstance(item, Mapping):
                raise DataFormatError(f"{where}: passage without a relevance", "set positives and negatives")
            selected = required_value(item, None, _SELECTED, where, "relevance of a passage")
            yield item, parse_grade(selected, columns.grades, where)
        return
    for item in _items(required_value(row, columns.positives, POSITIVES, where, "positives")):
        yield item, 1
    for cell in _negatives(row, columns, where):
        for item in _items(cell):
            yield item, 0


def _negatives(row: Row, columns: ListColumns, where: str) -> list[Any]:
    """Return the cells with documents that are not relevant: of one column or of numbered ones."""
    column = find_column(row, columns.negatives, NEGATIVES, where)
    if column is not None:
        return [row[column]]
    return [value for name, value in row.items() if _NUMBERED_NEGATIVE.fullmatch(str(name))]


def _items(value: Any) -> Iterable[Any]:
    """Return the items of a cell: a list of texts or objects, a single text, or one object of lists."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        lists = {key: column for key, column in value.items() if isinstance(column, Sequence)}
        return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
    return [value] if isinstance(value, str) else value


def _add_document(pairs: Pairs, item: Any, where: str) -> str:
    if not isinstance(item, Mapping):
        return pairs.add_document(check_text(item, where, "document"), "", None, where)
    text = check_text(required_value(item, None, _TEXT, where, "document's text"), where, "document")
    title = check_text(optional_value(item, None, ("title",), where), where, "title")
    doc_id = optional_value(item, None, DOC_ID, where)
    return pairs.add_document(text, title, None if doc_id in {None, ""} else check_id(doc_id, where), where)
