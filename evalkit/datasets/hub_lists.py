"""Hub tables with one query a row and its documents in lists: MS MARCO's passages, positives and negatives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import (
    DOC_ID,
    QUERY_ID,
    Row,
    find,
    grade,
    identifier,
    optional,
    plain,
    required,
)
from evalkit.datasets.pairs import QUERY, PairColumns, Pairs
from evalkit.errors import DataFormatError
from evalkit.formats import Rows

PASSAGES = ("passages",)
POSITIVES = ("positive", "positives", "pos", "positive_passages", "positive_ctxs")
NEGATIVES = ("negative", "negatives", "neg", "negative_passages", "negative_ctxs", "hard_negatives")
_TEXT = ("text", "passage_text", "contents", "passage")
_SELECTED = ("is_selected", "selected", "label", "relevance")


class ListColumns(PairColumns):
    """Names of the columns of a table that holds queries with documents; absent, the usual ones.

    Attributes
    ----------
    config
        Configuration of the hub dataset; its only one where absent.
    positives, negatives
        Columns of relevant and of other documents, lists or one text each: grades 1 and 0.
    passages
        Column of a list of documents that say themselves whether they are relevant (MS MARCO: ``is_selected``).
    """

    config: str | None = None
    positives: str | None = None
    negatives: str | None = None
    passages: str | None = None


def read_lists(rows: Rows, columns: ListColumns, location: str, split: str) -> Parts:
    """Read a table with a query and its documents in every row; of two grades of a pair the higher one holds."""
    pairs = Pairs(highest=True)
    for where, row in rows:
        query_id = _read_query(pairs, row, columns, where)
        for item, given in _judged_items(row, columns, where):
            doc_id = _read_document(pairs, item, where)
            pairs.judge(query_id, doc_id, given, where)
            pairs.list(query_id, doc_id, None)
    return pairs.parts(location, split)


def _read_query(pairs: Pairs, row: Row, columns: ListColumns, where: str) -> str:
    text = required(row, columns.query, QUERY, where, "query")
    if isinstance(text, list) and len(text) == 1:
        text = text[0]
    column = find(row, columns.query_id, QUERY_ID, where)
    return pairs.query(plain(text, where, "query"), identifier(row[column], where) if column else None, where)


def _judged_items(row: Row, columns: ListColumns, where: str) -> Iterator[tuple[Any, int]]:
    """Yield each document of a row with its grade."""
    passages = optional(row, columns.passages, PASSAGES, where)
    if passages is not None:
        for item in _items(passages):
            if not isinstance(item, Mapping):
                raise DataFormatError(
                    f"{where}: a passage without its relevance", "name positives and negatives"
                )
            selected = required(item, None, _SELECTED, where, "relevance of a passage")
            yield item, grade(selected, columns.grades, where)
        return
    for item in _items(required(row, columns.positives, POSITIVES, where, "positives")):
        yield item, 1
    for item in _items(optional(row, columns.negatives, NEGATIVES, where)):
        yield item, 0


def _items(value: Any) -> Iterable[Any]:
    """Return what a cell lists: texts, objects, or an object of lists as `datasets` stores them."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        lists = {key: column for key, column in value.items() if isinstance(column, Sequence)}
        return [dict(zip(lists, one, strict=True)) for one in zip(*lists.values(), strict=True)]
    return [value] if isinstance(value, str) else value


def _read_document(pairs: Pairs, item: Any, where: str) -> str:
    if not isinstance(item, Mapping):
        return pairs.document(plain(item, where, "document"), "", None, where)
    text = plain(required(item, None, _TEXT, where, "document's text"), where, "document")
    title = plain(optional(item, None, ("title",), where), where, "title")
    own = optional(item, None, DOC_ID, where)
    return pairs.document(text, title, identifier(own, where) if own not in {None, ""} else None, where)
