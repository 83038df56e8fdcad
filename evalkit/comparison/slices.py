"""Differences by slices of queries: length, relevant documents, first relevant rank, and the queries' own fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.comparison_set import ComparisonSet, Paired
from evalkit.comparison.plan import Plan
from evalkit.metrics.row_grades import row_grades
from evalkit.records import Qrels, Run, ValueRange
from evalkit.stats import (
    Clusters,
    Interval,
    bounded_interval,
    difference_mean_interval,
    mean_interval,
    paired_share_interval,
)

MOST_LEVELS = 12
"""A field with more distinct values than this is not used for slices."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Both means and their difference on one slice of the queries: exploratory, without correction.

    Attributes
    ----------
    by, level
        The property that queries are grouped by, and its value in this slice.
    baseline_mean, contender_mean, difference
        With intervals; the difference is contender minus baseline.
    """

    contender: str
    by: str
    level: str
    baseline_mean: Interval
    contender_mean: Interval
    difference: Interval


def slices(comparison_set: ComparisonSet, plan: Plan, contender: str) -> Iterator[Slice]:
    """Yield both means and their difference on every slice of the queries."""
    paired = comparison_set.pair(plan.baseline, contender, plan.primary)
    # The values of few queries may be 0 and 1 by chance: all of them tell whether the metric has no others.
    of_mean = bounded_interval if paired.is_binary else _inside
    for by, level_of in level_functions(comparison_set).items():
        levels = group_by_level(level_of, paired.query_ids)
        if 1 < len(levels) <= MOST_LEVELS:
            for level, query_ids in levels.items():
                part = paired.restricted_to(query_ids)
                yield Slice(
                    contender=contender,
                    by=by,
                    level=level,
                    baseline_mean=of_mean(part.baseline, plan.confidence, part.clusters, part.limits),
                    contender_mean=of_mean(part.contender, plan.confidence, part.clusters, part.limits),
                    difference=_difference(part, plan.confidence, is_binary=paired.is_binary),
                )


def _difference(part: Paired, confidence: float, *, is_binary: bool) -> Interval:
    if is_binary:
        return paired_share_interval(part.differences, confidence, part.clusters)
    return difference_mean_interval(part.baseline, part.contender, confidence, part.clusters, part.limits)


def _inside(
    values: NDArray[np.float64], confidence: float, clusters: Clusters | None, limits: ValueRange
) -> Interval:
    """Return the mean with Student's interval, cut at the range; equal values have that of `bounded_interval`."""
    found = mean_interval(values, confidence, clusters)
    low, high = limits.lowest, limits.highest
    if found.lower is None or found.upper is None or values.min() < low or values.max() > high:
        return found
    if found.lower == found.upper:
        return bounded_interval(values, confidence, clusters, limits)
    return replace(found, lower=max(found.lower, low), upper=min(found.upper, high))


def group_by_level(level_of: Callable[[str], str], query_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return level -> query ids, sorted by level."""
    levels: dict[str, list[str]] = {}
    for query_id in query_ids:
        levels.setdefault(level_of(query_id), []).append(query_id)
    return {level: levels[level] for level in sorted(levels)}


def level_functions(comparison_set: ComparisonSet) -> Mapping[str, Callable[[str], str]]:
    """Return the name of each property that queries can be grouped by -> a function from query id to level."""
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
        level_of = _first_relevant(first, comparison_set.qrels)
        found[f"first relevant at rank of {first.tag}"] = lambda q: level_of.get(
            q, "none among the candidates"
        )
    for name in sorted({name for query in comparison_set.queries.values() for name in query.fields}):
        found[name] = lambda q, name=name: comparison_set.queries[q].fields.get(name, "-")  # type: ignore[misc]
    return found


def _range(number: int, bounds: tuple[int, ...]) -> str:
    """Return the label of the bracket that holds a number, padded so that labels sort as text."""
    low = 1
    for bound in bounds:
        if number <= bound:
            return f"{low:2}" if low == bound else f"{low:2}-{bound}"
        low = bound + 1
    return f"{low:2} or more"


def _first_relevant(first_stage: Run, qrels: Qrels) -> dict[str, str]:
    """Return query id -> the bracket of the rank of its first relevant candidate; without queries that have none."""
    rows = np.flatnonzero(row_grades(first_stage, qrels)[0] > 0)
    queries, first = np.unique(first_stage.owners[rows], return_index=True)
    ranks = first_stage.places[rows[first]]
    return {
        first_stage.query_ids[query]: _range(rank, (1, 5, 10, 50))
        for query, rank in zip(queries.tolist(), ranks.tolist(), strict=True)
    }
