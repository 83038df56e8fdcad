"""Where a difference comes from: queries by length, relevant documents, first-stage luck, and own fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from evalkit.comparing.compare import Plan
from evalkit.comparing.fields import Field, pair
from evalkit.records import Qrels, Run
from evalkit.stats import Interval, mean_interval

MOST_LEVELS = 12
"""A field with more values than that sorts nothing; it is left out."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The mean difference on some of the queries: exploratory, without correction.

    Attributes
    ----------
    by, level
        What queries were sorted by, and which of them these are.
    difference
        Contender minus baseline.
    """

    contender: str
    by: str
    level: str
    difference: Interval


def slices(field: Field, plan: Plan, contender: str) -> Iterator[Slice]:
    """Yield the mean difference on every slice of the queries."""
    paired = pair(field.entries[plan.baseline].values, field.entries[contender].values, plan.primary)
    for by, level_of in _ways(field).items():
        levels: dict[str, list[str]] = {}
        for query_id in paired.query_ids:
            levels.setdefault(level_of(query_id), []).append(query_id)
        if 1 < len(levels) <= MOST_LEVELS:
            for level in sorted(levels):
                part = paired.only(levels[level])
                yield Slice(contender, by, level, mean_interval(part.differences, plan.confidence))


def _ways(field: Field) -> Mapping[str, Callable[[str], str]]:
    ways: dict[str, Callable[[str], str]] = {}
    if field.queries:
        ways["words in the query"] = lambda q: _range(len(field.queries[q].text.split()), (3, 7, 12))
    ways["relevant documents"] = lambda q: _range(
        sum(grade > 0 for grade in field.qrels.of(q).values()), (1, 4, 10)
    )
    first = field.first_stage
    if first is not None:
        ways[f"first relevant at rank of {first.tag}"] = lambda q: _first_relevant(first, field.qrels, q)
    for name in sorted({name for query in field.queries.values() for name in query.fields}):
        ways[name] = lambda q, name=name: field.queries[q].fields.get(name, "-")  # type: ignore[misc]
    return ways


def _range(number: int, bounds: tuple[int, ...]) -> str:
    """Return the bracket a number is in, written so that brackets sort as text."""
    low = 1
    for bound in bounds:
        if number <= bound:
            return f"{low:2}" if low == bound else f"{low:2}-{bound}"
        low = bound + 1
    return f"{low:2} or more"


def _first_relevant(first_stage: Run, qrels: Qrels, query_id: str) -> str:
    grades = qrels.of(query_id)
    for rank, doc_id in enumerate(first_stage.docs(query_id), start=1):
        if grades.get(doc_id, 0) > 0:
            return _range(rank, (1, 5, 10, 50))
    return "none among the candidates"
