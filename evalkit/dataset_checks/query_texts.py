"""Find queries that are blank or repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from evalkit.dataset_checks.check_input import CheckInput
from evalkit.dataset_checks.duplicates import equal_rows
from evalkit.dataset_checks.findings import DataFinding, first, number_of


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
            "they find nothing that looks at words, and count as 0 for every system: every mean is too low",
            "get their texts, or take them out",
        )


def repeated_queries(data: CheckInput) -> Iterator[DataFinding]:
    """Find queries with the same text, and whether their judgments agree."""
    texts = [query.text for query in data.dataset.queries]
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
        f"{number_of(sum(map(len, groups)), 'query', 'queries')} of {len(texts)} are {len(groups)} texts",
        {
            "queries": sum(map(len, groups)),
            "texts": len(groups),
            "contradictions": contradictions,
            "judged_for_one_only": unshared,
        },
        first(" = ".join(group) for group in groups),
        f"intervals, tests and splits count them as {len(groups)} queries; "
        + (
            f"{number_of(contradictions, 'document is', 'documents are')} judged one way for one and another way for"
            f" the other, {number_of(unshared, 'is', 'are')} relevant for one and unjudged for the other:"
            " no system can rank both right"
            if contradictions or unshared
            else "their judgments agree"
        ),
        "keep one of each, with the judgments of all",
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
