"""What a value would be had equal scores been put into another order: the best, the worst, and the mean over all.

The mean over all orders of tied documents is McSherry and Najork's ("Computing information retrieval performance
measures efficiently in the presence of tied scores", ECIR 2008), here with cutoffs, and per query instead of per
tie: a document that shares the places ``above + 1`` to ``above + tied`` stands at each of them equally often.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InputError
from evalkit.metrics.kernels import (
    KERNEL,
    Values,
    as_seen_by,
    gains_of,
    ideal_dcg,
    looked_at,
    number_relevant,
    ratio,
    sums,
)
from evalkit.metrics.names import KERNELS, Metric
from evalkit.metrics.ranked import Placed, RankedGrades, rank_grades, with_ties
from evalkit.records import MetricValues, Qrels, Run


@dataclass(frozen=True, slots=True, eq=False)
class TieBounds:
    """The values of a run over all orders of its tied documents.

    Attributes
    ----------
    best, worst
        With every tie broken for the metric, and against it.
    expected
        The mean over all orders, each as likely as any other.
    """

    best: MetricValues
    expected: MetricValues
    worst: MetricValues


def tie_bounds(run: Run, qrels: Qrels, metrics: Sequence[Metric]) -> TieBounds:
    """Compute what ties could make of every metric, for the queries that `evaluate` averages.

    Raises
    ------
    InputError
        If a metric is not one of evalkit's own.
    """
    for metric in metrics:
        if not metric.has_kernel:
            raise InputError(f"{metric.label!r} has no tie bounds", f"use one of: {', '.join(KERNELS)}")
    ranked = with_ties(rank_grades(run, qrels), run)
    seen = [(metric, as_seen_by(metric, ranked)) for metric in metrics]

    def values(columns: list[Values]) -> MetricValues:
        table = np.column_stack(columns) if columns else np.empty((len(ranked), 0))
        return MetricValues(run.tag, tuple(m.label for m in metrics), ranked.query_ids, table)

    return TieBounds(
        best=values([KERNEL[metric.name](_broken(one, well=True), metric) for metric, one in seen]),
        expected=values([_EXPECTED[metric.name](one, metric) for metric, one in seen]),
        worst=values([KERNEL[metric.name](_broken(one, well=False), metric) for metric, one in seen]),
    )


def _broken(ranked: RankedGrades, *, well: bool) -> RankedGrades:
    """Return lists whose ties stand by grade: the judged ones first and best first, or last and best last."""
    found = ranked.found
    kept = found.only(np.lexsort((-found.grade if well else found.grade, found.above, found.query)))
    first, held = kept.stretch()
    place = kept.above + 1 + np.arange(len(first)) - first
    return replace(ranked, found=replace(kept, place=place if well else place + kept.tied - held))


def _chance(placed: Placed, cutoff: int | None) -> Values:
    """Return ``(h,)`` the chance of each document to be within the cutoff."""
    if cutoff is None:
        return np.ones(len(placed.query))
    return np.asarray(np.clip(cutoff - placed.above, 0, placed.tied) / placed.tied)


def _over_places(placed: Placed, cutoff: int | None, term: Callable[[Values], Values]) -> Values:
    """Return ``(h,)`` the sum of a term over the places within the cutoff that are open to each document."""
    last = placed.above + placed.tied
    ends = last if cutoff is None else np.minimum(last, cutoff)
    total = np.concatenate(([0.0], np.cumsum(term(np.arange(1.0, last.max(initial=0) + 1.0)))))
    return np.asarray(total[ends] - total[np.minimum(placed.above, ends)])


def _ndcg(ranked: RankedGrades, metric: Metric) -> Values:
    found = ranked.found
    discount = _over_places(found, metric.cutoff, lambda place: 1.0 / np.log2(place + 1.0)) / found.tied
    return ratio(sums(ranked, found, gains_of(found.grade, metric) * discount), ideal_dcg(ranked, metric))


def _average_precision(ranked: RankedGrades, metric: Metric) -> Values:
    """Sum over the places j of a tie: chance of a relevant one there, by the relevant ones expected down to it.

    Of m relevant among n tied documents with R relevant ones above, R + 1 + (j - 1)(m - 1)/(n - 1) are expected down to
    place j where a relevant one stands there, and ``(j - 1) / (above + j)`` is ``1 - (above + 1) / (above + j)``.
    """
    relevant = _relevant(ranked, metric)
    first, held = relevant.stretch()
    before = relevant.ordinal()[first] - 1
    more = (held - 1) / np.maximum(relevant.tied - 1, 1)
    inverse = _over_places(relevant, metric.cutoff, lambda place: 1.0 / place)
    places = _chance(relevant, metric.cutoff) * relevant.tied
    precision = (before + 1) * inverse + more * (places - (relevant.above + 1) * inverse)
    return ratio(sums(ranked, relevant, precision / relevant.tied), number_relevant(ranked, metric))


def _first_tie(ranked: RankedGrades, metric: Metric) -> tuple[Placed, NDArray[np.int64]]:
    """Return the uppermost relevant row of every query that has one, and how many are tied with it."""
    relevant = _relevant(ranked, metric)
    _, held = relevant.stretch()
    uppermost = relevant.ordinal() == 1
    return relevant.only(uppermost), held[uppermost]


def _reciprocal_rank(ranked: RankedGrades, metric: Metric) -> Values:
    """Sum over the places of the uppermost tie that holds a relevant document: the first is at the j-th of them."""
    tie, relevant = _first_tie(ranked, metric)
    none_yet = np.ones(len(relevant))
    value = np.zeros(len(relevant))
    for j in range(1, int((tie.tied - relevant).max(initial=-1)) + 2):
        left = tie.tied - j + 1
        chance = np.minimum(relevant / np.maximum(left, 1), 1.0)
        place = tie.above + j
        inside = place <= (np.inf if metric.cutoff is None else metric.cutoff)
        value += none_yet * chance * inside / place
        none_yet *= 1.0 - chance
    return sums(ranked, tie, value)


def _success(ranked: RankedGrades, metric: Metric) -> Values:
    """Return 1 less the chance that every relevant document of the uppermost tie stands below the cutoff."""
    tie, relevant = _first_tie(ranked, metric)
    below = tie.tied - np.clip((metric.cutoff or 0) - tie.above, 0, tie.tied)
    none = np.ones(len(relevant))
    for i in range(int(relevant.max(initial=0))):
        none *= np.where(i < relevant, np.maximum(below - i, 0) / np.maximum(tie.tied - i, 1), 1.0)
    return sums(ranked, tie, 1.0 - none)


def _precision(ranked: RankedGrades, metric: Metric) -> Values:
    return np.asarray(_expected_relevant(ranked, metric) / float(metric.cutoff or 1))


def _recall(ranked: RankedGrades, metric: Metric) -> Values:
    return ratio(_expected_relevant(ranked, metric), number_relevant(ranked, metric))


def _judged(ranked: RankedGrades, metric: Metric) -> Values:
    found = ranked.found
    return ratio(sums(ranked, found, _chance(found, metric.cutoff)), looked_at(ranked, metric))


def _expected_relevant(ranked: RankedGrades, metric: Metric) -> Values:
    relevant = _relevant(ranked, metric)
    return sums(ranked, relevant, _chance(relevant, metric.cutoff))


def _relevant(ranked: RankedGrades, metric: Metric) -> Placed:
    return ranked.found.only(ranked.found.grade >= metric.rel)


_EXPECTED: dict[str, Callable[[RankedGrades, Metric], Values]] = {
    "nDCG": _ndcg,
    "RR": _reciprocal_rank,
    "AP": _average_precision,
    "P": _precision,
    "R": _recall,
    "Success": _success,
    "Judged": _judged,
}
