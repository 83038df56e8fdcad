"""Differences by slices of queries: length, relevant documents, first relevant rank, and the queries' own fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.comparison_set import ComparisonSet, Paired
from evalkit.comparison.corrected_pairs import compared_pair, corrected_of, in_part
from evalkit.comparison.looks import confidence_at
from evalkit.comparison.plan import Plan
from evalkit.metrics.row_grades import row_grades
from evalkit.records import RELEVANT_GRADE, Qrels, Run, ValueRange
from evalkit.stats import (
    Clusters,
    CorrectedMeans,
    Interval,
    bounded_interval,
    difference_mean_interval,
    mean_interval,
    paired_share_interval,
)
from evalkit.stats.intervals import student_interval

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
        With intervals; the difference is contender minus baseline. Where people's grades correct those of a judge, the
        means are corrected, too, and without intervals; so is a difference with too few queries judged by people.
    """

    contender: str
    by: str
    level: str
    baseline_mean: Interval
    contender_mean: Interval
    difference: Interval


def slices(comparison_set: ComparisonSet, plan: Plan, contender: str) -> Iterator[Slice]:
    """Yield both means and their difference on every slice of the queries."""
    paired = compared_pair(comparison_set, plan.baseline, contender, plan.primary)
    # The values of few queries may be 0 and 1 by chance: all of them tell whether the metric has no others.
    of_mean = bounded_interval if paired.is_binary else _inside
    for by, level_of in level_functions(comparison_set).items():
        levels = group_by_level(level_of, paired.all_query_ids)
        if 1 < len(levels) <= MOST_LEVELS:
            for level, query_ids in levels.items():
                part = in_part(paired, query_ids)
                if not part.query_ids:
                    continue  # none of them was drawn for people
                corrected = corrected_of(part)
                if corrected is not None:
                    confidence = confidence_at(plan.confidence, part.enlarged)
                    yield Slice(contender, by, level, *_corrected(corrected, confidence))
                    continue
                yield Slice(
                    contender=contender,
                    by=by,
                    level=level,
                    baseline_mean=of_mean(part.baseline, plan.confidence, part.clusters, part.limits),
                    contender_mean=of_mean(part.contender, plan.confidence, part.clusters, part.limits),
                    difference=_difference(part, plan.confidence, is_binary=paired.is_binary),
                )


def _corrected(found: CorrectedMeans, confidence: float) -> tuple[Interval, Interval, Interval]:
    """Return the corrected means of baseline and contender, and their difference.

    The mean of the contender is that of the baseline plus the difference, so that all three agree.
    """
    change, baseline = found.of(0), float(found.means[1])
    alone, contender = (
        Interval(mean, None, None, change.n, confidence) for mean in (baseline, baseline + change.mean)
    )
    if found.has_few:
        return alone, contender, Interval(change.mean, None, None, change.n, confidence)
    return alone, contender, student_interval(change, confidence)


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
    # Which queries are in a slice must not depend on who judged them.
    correction = comparison_set.correction
    qrels = comparison_set.qrels if correction is None else correction.judged
    if comparison_set.queries:
        found["words in the query"] = lambda q: _range(
            len(comparison_set.queries[q].text.split()), (3, 7, 12)
        )
    found["relevant documents"] = lambda q: _range(
        sum(grade >= RELEVANT_GRADE for grade in qrels.of(q).values()), (1, 4, 10)
    )
    first = comparison_set.first_stage
    if first is not None:
        level_of = _first_relevant(first, qrels)
        found[f"first relevant at rank of {first.tag}"] = lambda q: level_of.get(
            q, "none among the candidates"
        )
    weights = () if comparison_set.sample is None else comparison_set.sample.fields
    names = {name for query in comparison_set.queries.values() for name in query.fields}
    for name in sorted(names.difference(weights)):
        found[name] = lambda q, name=name: comparison_set.queries[q].fields.get(name, "-")  # type: ignore[misc]
    return found


def _range(number: int, bounds: tuple[int, ...]) -> str:
    """Return the label of the bracket that holds a number, padded so that labels sort as text."""
    if number < 1:
        return f"{number:2}"
    low = 1
    for bound in bounds:
        if number <= bound:
            return f"{low:2}" if low == bound else f"{low:2}-{bound}"
        low = bound + 1
    return f"{low:2} or more"


def _first_relevant(first_stage: Run, qrels: Qrels) -> dict[str, str]:
    """Return query id -> the bracket of the rank of its first relevant candidate; without queries that have none."""
    rows = np.flatnonzero(row_grades(first_stage, qrels)[0] >= RELEVANT_GRADE)
    queries, first = np.unique(first_stage.owners[rows], return_index=True)
    ranks = first_stage.places[rows[first]]
    return {
        first_stage.query_ids[query]: _range(rank, (1, 5, 10, 50))
        for query, rank in zip(queries.tolist(), ranks.tolist(), strict=True)
    }
