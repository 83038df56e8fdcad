"""Read tables with a query and a document in every row: create ids, merge repeated texts, list candidates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from evalkit.config import Settings
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import (
    TITLE,
    Grades,
    Row,
    check_text,
    find_column,
    find_instruction,
    optional_value,
    parse_grade,
    required_value,
)
from evalkit.datasets.corpora import RawDocument
from evalkit.errors import DataFormatError
from evalkit.formats import Rows, check_id, number_of, text_id
from evalkit.formats.column_names import GRADE, JUDGED_DOCUMENT, JUDGED_QUERY
from evalkit.records import Qrels, Query, Run, grade_text

QUERY = ("query", "question", "anchor", "search_term")
DOCUMENT = ("document", "text", "passage", "content", "answer")


class PairColumns(Settings):
    """Column names of a table with a query and a document per row (default: common names).

    Attributes
    ----------
    query, document
        Names of the columns with the texts.
    grade
        Name of the column with the grade. Without it, all pairs are relevant.
    grades
        Grade of each value, if the column contains words: ``{Exact: 3, Irrelevant: 0}``.
    query_id, doc_id
        Names of the columns with the ids. Without them, ids are derived from the texts, and equal texts are one
        document.
    title
        Name of the column with the title of the document.
    instruction
        Name of the column with the instruction of the query, if there is one. The same text with another instruction is
        another query.
    score
        Name of the column with the first-stage score, which orders the candidates. Without it, their order is random.
    """

    query: str | None = None
    document: str | None = None
    grade: str | None = None
    grades: Grades = Field(default_factory=dict)
    query_id: str | None = None
    doc_id: str | None = None
    title: str | None = None
    instruction: str | None = None
    score: str | None = None


class Pairs:
    """Collects the queries, documents, judgments and candidates of a table of pairs.

    A query or document without an id gets an id computed from its text, so that equal texts are one query or document,
    in every load.

    Parameters
    ----------
    keep_highest_grade
        Whether to keep the higher of two different grades of a pair; otherwise they are an error.
    """

    def __init__(self, *, keep_highest_grade: bool) -> None:
        self._keep_highest_grade = keep_highest_grade
        self._queries: dict[str, Query] = {}
        self._documents: dict[str, RawDocument] = {}
        self._grades: dict[str, dict[str, float]] = {}
        self._candidate_scores: dict[tuple[str, str], float] = {}
        self._has_grades = False

    def add_query(self, text: str, query_id: str | None, where: str, instruction: str = "") -> str:
        """Add a query and return its id.

        Raises
        ------
        DataFormatError
            If the id has another text or instruction already.
        """
        content = f"{text}\n{instruction}" if instruction else text
        query = Query(query_id or text_id("q", content), text, instruction=instruction)
        known = self._queries.setdefault(query.query_id, query)
        if known != query:
            what = "texts" if known.text != text else "instructions"
            raise DataFormatError(
                f"{where}: query {query.query_id!r} occurs with two different {what}", "fix the ids"
            )
        self._grades.setdefault(query.query_id, {})
        return query.query_id

    def add_document(self, text: str, title: str, doc_id: str | None, where: str) -> str:
        """Add a document and return its id; raise `DataFormatError` if the id has another text already."""
        document = RawDocument(doc_id or text_id("d", f"{title}\n{text}" if title else text), title, text)
        if self._documents.setdefault(document.doc_id, document) != document:
            raise DataFormatError(
                f"{where}: document {document.doc_id!r} occurs with two different texts",
                "fix the ids, or remove doc_id to derive them from the texts",
            )
        return document.doc_id

    def query(self, query_id: str) -> Query:
        """Return a query that was added."""
        return self._queries[query_id]

    def document(self, doc_id: str) -> RawDocument:
        """Return a document that was added."""
        return self._documents[doc_id]

    def add_judgment(self, query_id: str, doc_id: str, grade: float | None, where: str) -> None:
        """Add the grade of a pair; raise `DataFormatError` for a second, different one unless the higher is kept.

        A pair without a grade is relevant: grade 1.
        """
        self._has_grades |= grade is not None
        grade = 1 if grade is None else grade
        grades = self._grades[query_id]
        previous = grades.setdefault(doc_id, grade)
        if previous != grade and not self._keep_highest_grade:
            raise DataFormatError(
                f"{where}: query {query_id!r}, document {doc_id!r} has two grades: {grade_text(previous)} and"
                f" {grade_text(grade)}",
                "keep one judgment for each pair",
            )
        grades[doc_id] = max(previous, grade)

    def add_candidate(self, query_id: str, doc_id: str, score: float | None) -> None:
        """Add a document to the candidates of a query; without a score its position is random."""
        self._candidate_scores[query_id, doc_id] = random_score(query_id, doc_id) if score is None else score

    def parts(self, location: str, split: str | None) -> Parts:
        """Return the collected data.

        Raises
        ------
        DataFormatError
            If there is no judgment.
        """
        judged = {query_id: docs for query_id, docs in self._grades.items() if docs}
        if not judged:
            raise DataFormatError(f"{location} contains no judged pairs", "check its columns")
        return Parts(
            location, split, tuple(self._documents.values()), tuple(self._queries.values()), Qrels(judged),
            candidates=candidates_run(self._candidate_scores), ungraded=not self._has_grades,
        )  # fmt: skip


def random_score(query_id: str, doc_id: str) -> float:
    """Return a pseudo-random number in [0, 1) that depends only on the pair.

    Tables with positives and negatives list the positives first; that order must not become the ranking.
    """
    digest = hashlib.sha256(f"{query_id}\0{doc_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def candidates_run(scores: Mapping[tuple[str, str], float]) -> Run | None:
    """Return candidates as a run; None if there are none.

    Parameters
    ----------
    scores
        ``(query_id, doc_id)`` -> score.
    """
    if not scores:
        return None
    values = np.fromiter(scores.values(), dtype=np.float64, count=len(scores))
    return Run.from_rows("listed", [q for q, _ in scores], [d for _, d in scores], values)


def read_pairs(rows: Rows, columns: PairColumns, location: str, split: str | None = None) -> Parts:
    """Read a table with a query and a document in every row."""
    pairs = Pairs(keep_highest_grade=False)
    for where, row in rows:
        _add_pair(pairs, row, columns, where)
    return pairs.parts(location, split)


def read_unjudged_pairs(rows: Rows, columns: PairColumns) -> Iterator[tuple[Query, RawDocument]]:
    """Yield the queries and documents of a table with both in every row, each pair once; grades are not read.

    Raises
    ------
    DataFormatError
        If a column is missing, or an id has two texts.
    """
    pairs = Pairs(keep_highest_grade=False)
    seen: set[tuple[str, str]] = set()
    for where, row in rows:
        pair = _add_texts(pairs, row, columns, where)
        if pair not in seen:
            seen.add(pair)
            yield pairs.query(pair[0]), pairs.document(pair[1])


def _add_pair(pairs: Pairs, row: Row, columns: PairColumns, where: str) -> None:
    query_id, doc_id = _add_texts(pairs, row, columns, where)
    column = find_column(row, columns.grade, GRADE, where)
    grade = None if column is None else parse_grade(row[column], columns.grades, where)
    pairs.add_judgment(query_id, doc_id, grade, where)
    score = None if columns.score is None else _score(row, columns.score, where)
    pairs.add_candidate(query_id, doc_id, score)


def _add_texts(pairs: Pairs, row: Row, columns: PairColumns, where: str) -> tuple[str, str]:
    """Add the query and the document of a row; return their ids."""
    query = check_text(required_value(row, columns.query, QUERY, where, "query's text"), where, "query")
    text = required_value(row, columns.document, DOCUMENT, where, "document's text")
    text = check_text(text, where, "document")
    title = check_text(optional_value(row, columns.title, TITLE, where), where, "title")
    instruction = find_instruction(row, columns.instruction, where)
    known_id = _optional_id(row, columns.query_id, JUDGED_QUERY, where)
    if known_id is None and not query.strip():
        raise DataFormatError(f"{where}: the query is empty", "give every row its query")
    query_id = pairs.add_query(query, known_id, where, instruction)
    doc_id = pairs.add_document(text, title, _optional_id(row, columns.doc_id, JUDGED_DOCUMENT, where), where)
    return query_id, doc_id


def _optional_id(row: Row, name: str | None, usual: Sequence[str], where: str) -> str | None:
    column = find_column(row, name, usual, where)
    return None if column is None else check_id(row[column], where)


def _score(row: Row, name: str, where: str) -> float:
    value: Any = required_value(row, name, (), where, "score")
    try:
        return number_of(value)
    except (TypeError, ValueError):
        raise DataFormatError(f"{where} has the score {value!r}", "use numbers as scores") from None
