"""Judgments in the formats of other tools, without texts of documents."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

import orjson

from evalkit.formats.written_judgments import whole_trec_grade
from evalkit.records import grade_text

Grades = Mapping[str, Mapping[str, float]]
"""Query id -> document id -> grade."""


def plain_csv(grades: Grades) -> bytes:
    """Return judgments as CSV with the columns ``query_id,doc_id,grade``; grades are not rounded."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("query_id", "doc_id", "grade"))
    writer.writerows((query_id, doc_id, grade_text(grade)) for query_id, doc_id, grade in rows_of(grades))
    return file.getvalue().encode()


def rank_eval_request(grades: Grades, texts: Mapping[str, str], index: str) -> bytes:
    """Return judgments as a request of Elasticsearch's ``_rank_eval``, with whole grades, at least 0.

    Parameters
    ----------
    grades
        The judgments.
    texts
        Query id -> text, of the queries whose text is known; it is the parameter ``query_string``.
    index
        Name of the index of the documents.

    Notes
    -----
    Each request still needs a ``template_id``, or a ``request`` instead of ``params``: how the engine searches. Source:
    RankEvalRequestItem and DocumentRating of the elasticsearch-specification.
    """
    requests = []
    for query_id, docs in grades.items():
        request: dict[str, object] = {"id": query_id}
        if query_id in texts:
            request["params"] = {"query_string": texts[query_id]}
        request["ratings"] = [
            {"_index": index, "_id": doc_id, "rating": max(whole_trec_grade(grade), 0)}
            for doc_id, grade in docs.items()
        ]
        requests.append(request)
    return orjson.dumps({"requests": requests}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def count_fractional(grades: Grades) -> int:
    """Return the number of grades that are no whole numbers."""
    return sum(not float(grade).is_integer() for _, _, grade in rows_of(grades))


def rows_of(grades: Grades) -> Iterator[tuple[str, str, float]]:
    """Yield query, document and grade of each judgment."""
    for query_id, docs in grades.items():
        for doc_id, grade in docs.items():
            yield query_id, doc_id, grade
