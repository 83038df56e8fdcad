"""Find queries that are blank or repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from evalkit.dataset_checks.check_input import CheckInput
from evalkit.dataset_checks.duplicates import equal_rows
from evalkit.dataset_checks.findings import DataFinding, first
from evalkit.plurals import number_of


def blank_queries(data: CheckInput) -> Iterator[DataFinding]:
    """Find queries without text."""
    blank = data.query_ids(data.queries.empty)
    if blank:
        yield DataFinding(
            data.name,
            "blank_queries",
            "warning",
            f"{number_of(len(blank), 'query', 'queries')} of {len(data.dataset.queries)} without text",
            {"queries": len(blank)},
            first(blank),
            "they count as 0 for every system, so every mean is too low; APIs such as Cohere, Voyage and Mixedbread"
            " refuse a request with an empty query",
            "add their texts, or remove them",
        )


def repeated_queries(data: CheckInput) -> Iterator[DataFinding]:
    """Find queries with the same text, and whether their judgments agree."""
    texts = [query.instructed_text for query in data.dataset.queries]
    groups = [
        [data.dataset.queries[row].query_id for row in rows.tolist()]
        for rows in equal_rows(texts, data.queries)
    ]
    if not groups:
        return
    pairs = [pair for group in groups for pair in combinations(group, 2)]
    contradictions = sum(_contradictions(data, pair) for pair in pairs)
    unshared = sum(_unshared(data, pair) for pair in pairs)
    yield DataFinding(
        data.name,
        "repeated_queries",
        "warning" if contradictions or unshared else "note",
        f"{number_of(sum(map(len, groups)), 'query', 'queries')} of {len(texts)} contain only"
        f" {len(groups)} different texts",
        {
            "queries": sum(map(len, groups)),
            "texts": len(groups),
            "contradictions": contradictions,
            "judged_for_one_only": unshared,
        },
        first(" = ".join(group) for group in groups),
        "intervals, tests and splits treat each text as one query; "
        + (
            f"{number_of(contradictions, 'document is', 'documents are')} judged differently for two"
            f" of them, {number_of(unshared, 'is', 'are')} relevant for one and unjudged for another;"
            " no system can rank these correctly for both"
            if contradictions or unshared
            else "their judgments agree"
        ),
        "keep one query of each text, with the judgments of all",
    )


def _contradictions(data: CheckInput, pair: Sequence[str]) -> int:
    """Return the number of documents with different grades for the two queries."""
    one, other = (data.qrels.of(query) for query in pair)
    return sum(other.get(doc, grade) != grade for doc, grade in one.items())


def _unshared(data: CheckInput, pair: Sequence[str]) -> int:
    """Return the number of documents that are relevant for one query and unjudged for the other."""
    one, other = (data.qrels.of(query) for query in pair)
    return sum(g > 0 and d not in other for d, g in one.items()) + sum(
        g > 0 and d not in one for d, g in other.items()
    )
