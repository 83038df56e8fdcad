"""Where a difference comes from: queries by length, relevant documents, first-stage luck, and own fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from evalkit.comparison.comparison_set import ComparisonSet, pair
from evalkit.comparison.contenders import Plan
from evalkit.records import Qrels, Run
from evalkit.stats import Interval, mean_interval

MOST_LEVELS = 12
"""A field with more values than that sorts nothing; it is left out."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Means and their difference on some of the queries: exploratory, without correction.

    Attributes
    ----------
    by, level
        What queries were sorted by, and which of them these are.
    baseline_mean, contender_mean, difference
        With their intervals; the difference is contender minus baseline.
    """

    contender: str
    by: str
    level: str
    baseline_mean: Interval
    contender_mean: Interval
    difference: Interval


def slices(comparison_set: ComparisonSet, plan: Plan, contender: str) -> Iterator[Slice]:
    """Yield both means and their difference on every slice of the queries."""
    paired = pair(
        comparison_set.systems[plan.baseline].values, comparison_set.systems[contender].values, plan.primary
    )
    for by, level_of in ways(comparison_set).items():
        levels = sorted_by(level_of, paired.query_ids)
        if 1 < len(levels) <= MOST_LEVELS:
            for level, query_ids in levels.items():
                part = paired.only(query_ids)
                sides = part.baseline, part.contender, part.differences
                yield Slice(contender, by, level, *(mean_interval(side, plan.confidence) for side in sides))


def sorted_by(level_of: Callable[[str], str], query_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return level -> the queries of that level."""
    levels: dict[str, list[str]] = {}
    for query_id in query_ids:
        levels.setdefault(level_of(query_id), []).append(query_id)
    return {level: levels[level] for level in sorted(levels)}


def ways(comparison_set: ComparisonSet) -> Mapping[str, Callable[[str], str]]:
    """Return what the queries of a field can be sorted by -> the level of a query."""
    found: dict[str, Callable[[str], str]] = {}
    if comparison_set.queries:
        found["words in the query"] = lambda q: _range(
            len(comparison_set.queries[q].text.split()), (3, 7, 12)
        )
    found["relevant documents"] = lambda q: _range(
        sum(grade > 0 for grade in comparison_set.qrels.of(q).values()), (1, 4, 10)
    )
    first = comparison_set.first_stage
    if first is not None:
        found[f"first relevant at rank of {first.tag}"] = lambda q: _first_relevant(
            first, comparison_set.qrels, q
        )
    for name in sorted({name for query in comparison_set.queries.values() for name in query.fields}):
        found[name] = lambda q, name=name: comparison_set.queries[q].fields.get(name, "-")  # type: ignore[misc]
    return found


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
