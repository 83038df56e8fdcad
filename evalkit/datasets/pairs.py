"""Rows that hold a query together with its documents: ids are made, repeated texts merged, candidates noted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pydantic import Field

from evalkit.config import Settings
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import (
    GRADE,
    JUDGED_DOCUMENT,
    JUDGED_QUERY,
    TITLE,
    Row,
    find,
    grade,
    identifier,
    optional,
    plain,
    required,
)
from evalkit.datasets.corpora import RawDocument
from evalkit.errors import DataFormatError
from evalkit.formats import Rows
from evalkit.records import Qrels, Query, Run

QUERY = ("query", "question", "anchor", "search_term")
DOCUMENT = ("document", "text", "passage", "content", "answer")


class PairColumns(Settings):
    """Names of the columns of a table with a query and a document in every row; absent, the usual ones.

    Attributes
    ----------
    query, document
        The columns of their texts.
    grade
        The column of the relevance; a table without it holds relevant pairs alone.
    grades
        Grade of each value of that column, where it holds words: ``{Exact: 3, Irrelevant: 0}``.
    query_id, doc_id
        The columns of their ids; without one, ids are made of the texts: equal texts are one document.
    title
        The column of the document's title.
    score
        The column of what a first stage gave the pair: orders the candidates. Without it they have a random order.
    """

    query: str | None = None
    document: str | None = None
    grade: str | None = None
    grades: dict[str, int] = Field(default_factory=dict)
    query_id: str | None = None
    doc_id: str | None = None
    title: str | None = None
    score: str | None = None


class Pairs:
    """Gathers queries and documents that come together.

    A query or document without an id gets one made of its text, so that a text that comes again is the same document,
    here and in every later load.

    Parameters
    ----------
    highest
        Whether the higher of two grades of a pair holds, as in lists that repeat themselves; else that is an error.
    """

    def __init__(self, *, highest: bool) -> None:
        self._highest = highest
        self._queries: dict[str, Query] = {}
        self._documents: dict[str, RawDocument] = {}
        self._grades: dict[str, dict[str, int]] = {}
        self._listed: dict[tuple[str, str], float] = {}

    def query(self, text: str, query_id: str | None, where: str) -> str:
        """Take a query in; return its id."""
        query = Query(query_id or made_id("q", text), text)
        if self._queries.setdefault(query.query_id, query) != query:
            raise DataFormatError(
                f"{where}: query {query.query_id!r} had another text before", "mend the ids"
            )
        self._grades.setdefault(query.query_id, {})
        return query.query_id

    def document(self, text: str, title: str, doc_id: str | None, where: str) -> str:
        """Take a document in; return its id."""
        document = RawDocument(doc_id or made_id("d", f"{title}\n{text}" if title else text), title, text)
        if self._documents.setdefault(document.doc_id, document) != document:
            raise DataFormatError(
                f"{where}: document {document.doc_id!r} had another text before",
                "mend the ids, or leave them out",
            )
        return document.doc_id

    def judge(self, query_id: str, doc_id: str, given: int, where: str) -> None:
        """Note a judgment."""
        of_query = self._grades[query_id]
        before = of_query.setdefault(doc_id, given)
        if before != given and not self._highest:
            raise DataFormatError(
                f"{where}: query {query_id!r}, document {doc_id!r} is judged {given} here and {before} before",
                "keep one judgment for each pair",
            )
        of_query[doc_id] = max(before, given)

    def list(self, query_id: str, doc_id: str, score: float | None) -> None:
        """Note a document as a candidate of a query."""
        self._listed[query_id, doc_id] = at_random(query_id, doc_id) if score is None else score

    def parts(self, location: str, split: str | None) -> Parts:
        """Return all that was gathered.

        Raises
        ------
        DataFormatError
            If there is nothing.
        """
        judged = {query_id: docs for query_id, docs in self._grades.items() if docs}
        if not judged:
            raise DataFormatError(f"{location} holds no judged pairs", "check its columns")
        return Parts(
            location, split, tuple(self._documents.values()), tuple(self._queries.values()), Qrels(judged),
            candidates=listed_run(self._listed),
        )  # fmt: skip


def made_id(kind: str, text: str) -> str:
    """Return an id made of a text: equal texts have equal ids, a query never has a document's."""
    return kind + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def at_random(query_id: str, doc_id: str) -> float:
    """Return a number in [0, 1) that depends on the pair alone.

    Lists of positives and negatives have the positives first; taken as a ranking, that order would tell the answer.
    """
    digest = hashlib.sha256(f"{query_id}\0{doc_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def listed_run(listed: Mapping[tuple[str, str], float]) -> Run | None:
    """Return the candidates as a run; None where nothing is listed."""
    if not listed:
        return None
    scores = np.fromiter(listed.values(), dtype=np.float64, count=len(listed))
    return Run.from_rows("listed", [q for q, _ in listed], [d for _, d in listed], scores)


def read_pairs(rows: Rows, columns: PairColumns, location: str, split: str | None = None) -> Parts:
    """Read a table with a query and a document in every row."""
    pairs = Pairs(highest=False)
    for where, row in rows:
        _read_pair(pairs, row, columns, where)
    return pairs.parts(location, split)


def _read_pair(pairs: Pairs, row: Row, columns: PairColumns, where: str) -> None:
    query = plain(required(row, columns.query, QUERY, where, "query's text"), where, "query")
    text = plain(required(row, columns.document, DOCUMENT, where, "document's text"), where, "document")
    title = plain(optional(row, columns.title, TITLE, where), where, "title")
    query_id = pairs.query(query, _own_id(row, columns.query_id, JUDGED_QUERY, where), where)
    doc_id = pairs.document(text, title, _own_id(row, columns.doc_id, JUDGED_DOCUMENT, where), where)
    column = find(row, columns.grade, GRADE, where)
    pairs.judge(query_id, doc_id, 1 if column is None else grade(row[column], columns.grades, where), where)
    pairs.list(query_id, doc_id, None if columns.score is None else _score(row, columns.score, where))


def _own_id(row: Row, name: str | None, usual: Iterable[str], where: str) -> str | None:
    column = find(row, name, tuple(usual), where)
    return None if column is None else identifier(row[column], where)


def _score(row: Row, name: str, where: str) -> float:
    value: Any = required(row, name, (), where, "score")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise DataFormatError(f"{where} has the score {value!r}", "a score is a number") from None
