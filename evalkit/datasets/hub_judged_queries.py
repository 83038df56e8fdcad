"""Read queries that list their judgments, next to a repository of documents, as MAIR publishes its tasks.

A row of the queries has ``qid``, ``query``, ``instruction`` and ``labels``, a list of ``id`` and ``score``; a row of
the documents has ``id`` and ``doc``. A task is a configuration of both repositories.
Source: github.com/sunnweiwei/MAIR.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import (
    QUERY_ID,
    DocumentColumns,
    JudgmentColumns,
    QueryColumns,
    check_id,
    documents,
    parse_grade,
    queries,
    required_value,
)
from evalkit.datasets.hub_tables import Repository, Table
from evalkit.datasets.tables import build_qrels
from evalkit.errors import DataFormatError
from evalkit.formats import Rows
from evalkit.formats.column_names import GRADE, JUDGED_DOCUMENT

LABELS = ("labels",)
_QUERIES, _DOCUMENTS = "queries", "docs"
"""Usual names of the splits; where a task has several parts, these are the ends of their names."""


def read_judged_queries(
    asked: Table, listed: Table, columns: tuple[QueryColumns, DocumentColumns, JudgmentColumns]
) -> Parts:
    """Read a table of queries with their judgments, and a table of documents.

    Parameters
    ----------
    asked, listed
        Queries and documents.
    columns
        Names of the columns of queries, documents and judgments; `document` of the last is that of the lists.

    Raises
    ------
    DataFormatError
        If a row has no list of judgments, or one of them is invalid.
    """
    of_queries, of_documents, of_judgments = columns
    return Parts(
        location=asked.name,
        split=None,
        documents=documents(listed.rows(), of_documents),
        queries=tuple(queries(asked.rows(), of_queries)),
        qrels=build_qrels(_judgments(asked.rows(), of_queries, of_judgments), asked.name),
        stamp=listed.stamp(of_documents.model_dump(mode="json")),
    )


def split_of_documents(repository: Repository, config: str | None, of_queries: str) -> str:
    """Return the split with the documents of a split of queries: ``docs``, or ``x_docs`` for ``x_queries``."""
    part = of_queries.removesuffix(_QUERIES)
    return repository.any_split(config, [f"{part}{_DOCUMENTS}", _DOCUMENTS])


def split_of_queries(repository: Repository, config: str | None, wanted: str) -> str:
    """Return the wanted split of the queries, or the one with the usual name."""
    return repository.any_split(config, [wanted, _QUERIES])


def _judgments(
    rows: Rows, of_queries: QueryColumns, columns: JudgmentColumns
) -> Iterator[tuple[str, str, float]]:
    for where, row in rows:
        query_id = check_id(required_value(row, of_queries.id, QUERY_ID, where, "identifier"), where)
        labels = required_value(row, columns.document, LABELS, where, "judgments")
        if not isinstance(labels, list):
            raise DataFormatError(
                f"{where}: the judgments are no list (found {labels!r})", "use a list of objects"
            )
        for number, label in enumerate(labels, start=1):
            place = f"{where}, judgment {number}"
            if not isinstance(label, Mapping):
                raise DataFormatError(
                    f"{place} is no object with an id and a score", "use objects with id and score"
                )
            doc_id = check_id(required_value(label, None, ("id", *JUDGED_DOCUMENT), place, "document"), place)
            grade = required_value(label, columns.grade, GRADE, place, "grade")
            yield query_id, doc_id, parse_grade(grade, columns.grades, place)
