"""The few metrics that everything hangs on, vectorised over queries, in float64.

Every kernel takes `RankedGrades` and a `Metric` and returns ``(q,)`` values. They agree with
trec_eval (``m_ndcg_cut.c``, ``m_recip_rank.c``, ``m_map_cut.c``, ``m_P.c``, ``m_recall.c``,
``m_success.c``); ``tests/oracle`` holds them to it. Judged is ir_measures' definition.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.names import Metric
from evalkit.metrics.ranked import Placed, RankedGrades, condensed, regraded

Values = NDArray[np.float64]


def value(ranked: RankedGrades, metric: Metric) -> Values:
    """Return ``(q,)`` values of a metric that has a kernel."""
    return KERNEL[metric.name](as_seen_by(metric, ranked), metric)


def as_seen_by(metric: Metric, ranked: RankedGrades) -> RankedGrades:
    """Return lists and grades as a metric's parameters want them: without unjudged documents, with own gains."""
    seen = condensed(ranked) if metric.judged_only else ranked
    return regraded(seen, metric.gains) if metric.gains else seen


def ndcg(ranked: RankedGrades, metric: Metric) -> Values:
    """Discounted cumulated gain over that of the ideal list of all judged documents.

    Gain is the grade (``dcg='log2'``, trec_eval), what ``gains`` says, or ``2**grade - 1``
    (``dcg='exp-log2'``, Burges et al. 2005); the discount of rank i is ``log2(i + 1)`` (Jarvelin and
    Kekalainen 2002, as in trec_eval).
    """
    found = ranked.found.within(metric.cutoff)
    gains = gains_of(found.grade, metric) / np.log2(found.place + 1.0)
    return ratio(sums(ranked, found, gains), ideal_dcg(ranked, metric))


def ideal_dcg(ranked: RankedGrades, metric: Metric) -> Values:
    """Return ``(q,)`` discounted cumulated gains of the judged documents, best first."""
    ideal = ranked.ideal.within(metric.cutoff)
    return sums(ranked, ideal, gains_of(ideal.grade, metric) / np.log2(ideal.place + 1.0))


def gains_of(grades: NDArray[np.int64], metric: Metric) -> Values:
    """Return what each grade is worth; grades below 0 are worth nothing."""
    gains = np.maximum(grades, 0).astype(np.float64)
    return np.exp2(gains) - 1.0 if metric.exponential else gains


def reciprocal_rank(ranked: RankedGrades, metric: Metric) -> Values:
    """One over the rank of the first relevant document; 0 where none is within the cutoff."""
    relevant = _relevant(ranked, metric)
    first = np.full(len(ranked), np.inf)
    np.minimum.at(first, relevant.query, relevant.place)
    return np.asarray(1.0 / first)


def average_precision(ranked: RankedGrades, metric: Metric) -> Values:
    """Mean over all relevant documents of the precision at their ranks; 0 for those not retrieved."""
    relevant = _relevant(ranked, metric)
    return ratio(sums(ranked, relevant, relevant.ordinal() / relevant.place), number_relevant(ranked, metric))


def precision(ranked: RankedGrades, metric: Metric) -> Values:
    """Share of the first `cutoff` ranks that hold a relevant document; short lists are not excused."""
    return np.asarray(sums(ranked, _relevant(ranked, metric)) / float(metric.cutoff or 1))


def recall(ranked: RankedGrades, metric: Metric) -> Values:
    """Share of all relevant documents that are within the cutoff."""
    return ratio(sums(ranked, _relevant(ranked, metric)), number_relevant(ranked, metric))


def success(ranked: RankedGrades, metric: Metric) -> Values:
    """1 where any relevant document is within the cutoff, else 0."""
    return np.asarray(sums(ranked, _relevant(ranked, metric)) > 0, dtype=np.float64)


def judged(ranked: RankedGrades, metric: Metric) -> Values:
    """Share of the documents within the cutoff that were judged for the query."""
    return ratio(sums(ranked, ranked.found.within(metric.cutoff)), looked_at(ranked, metric))


def looked_at(ranked: RankedGrades, metric: Metric) -> Values:
    """Return ``(q,)`` how many documents are within the cutoff."""
    cut = ranked.retrieved if metric.cutoff is None else np.minimum(ranked.retrieved, metric.cutoff)
    return cut.astype(np.float64)


def number_relevant(ranked: RankedGrades, metric: Metric) -> Values:
    """Return ``(q,)`` how many judged documents are relevant."""
    return sums(ranked, ranked.ideal.only(ranked.ideal.grade >= metric.rel))


def sums(ranked: RankedGrades, placed: Placed, weights: Values | None = None) -> Values:
    """Return ``(q,)`` the weights of each query's rows together; how many rows, without weights."""
    return np.bincount(placed.query, weights, len(ranked)).astype(np.float64, copy=False)


def ratio(numerator: Values, denominator: Values) -> Values:
    """Divide, giving 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator > 0)


def _relevant(ranked: RankedGrades, metric: Metric) -> Placed:
    return ranked.found.only(ranked.found.grade >= metric.rel).within(metric.cutoff)


KERNEL: dict[str, Callable[[RankedGrades, Metric], Values]] = {
    "nDCG": ndcg,
    "RR": reciprocal_rank,
    "AP": average_precision,
    "P": precision,
    "R": recall,
    "Success": success,
    "Judged": judged,
}
