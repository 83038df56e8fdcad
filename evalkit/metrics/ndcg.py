"""nDCG: discounted cumulative gain over that of the ideal list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.best_packing import Packing, best_packing
from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.parameters import DCG, GAINS, JUDGED_ONLY
from evalkit.metrics.per_query import ratio, sums
from evalkit.metrics.ranked import Ints, JudgedLengths, RankedGrades
from evalkit.metrics.tie_places import sum_over_places
from evalkit.records import Grades


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    """Return discounted cumulative gain over that of the ideal list of all judged documents.

    Gain is the grade (``dcg='log2'``, trec_eval), the value in ``gains``, or ``2**grade - 1``
    (``dcg='exp-log2'``, Burges et al. 2005), where a grade may be fractional; the discount of rank i is
    ``log2(i + 1)`` (Jarvelin and Kekalainen 2002, as in trec_eval). At a budget of tokens, which is evalkit's own
    definition, the ideal list is the best one that the budget allows (see `best_packing`).
    """
    found = ranked.found.within(metric.cutoff)
    gains = _gains(found.grade, _scale(ranked)[found.query], metric) / np.log2(found.place + 1.0)
    values = ratio(sums(ranked, found, gains), _ideal_dcg(ranked, metric))
    # The same documents summed in another order may differ from the ideal in the last digit.
    return np.minimum(values, 1.0) if ranked.lengths else values


def _expected_value(ranked: RankedGrades, metric: Metric) -> Values:
    found = ranked.found
    discount = sum_over_places(found, metric.cutoff, lambda place: 1.0 / np.log2(place + 1.0)) / found.tied
    gains = _gains(found.grade, _scale(ranked)[found.query], metric)
    return ratio(sums(ranked, found, gains * discount), _ideal_dcg(ranked, metric))


def _value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    scale = _highest(judged.ideal.query, judged.ideal.grade, judged.queries)
    best = _best_at_depths(judged, scale, metric)[:, None]
    gains = _gains(judged.grades, scale[judged.query], metric)[:, None]
    gains = gains * judged.within(metric.cutoff, rel=None)
    achieved = judged.sums(gains / np.log2(judged.places + 1.0))
    return np.divide(achieved, best, out=np.zeros_like(achieved), where=best > 0)


def _best_at_depths(judged: JudgedPlaces, scale: Ints, metric: Metric) -> Values:
    """Return the ``(q,)`` discounted cumulative gains of all judged documents, best first."""
    ideal = judged.ideal.within(metric.cutoff)
    gains = _gains(ideal.grade, scale[ideal.query], metric)
    lengths = np.bincount(ideal.query, minlength=judged.queries)
    starts = lengths.cumsum() - lengths
    best = np.zeros(judged.queries)
    # Lists of one length are a matrix: its rows are added as one list is.
    for length in np.unique(lengths[lengths > 0]).tolist():
        queries = np.flatnonzero(lengths == length)
        lists = gains[starts[queries][:, None] + np.arange(length)]
        best[queries] = (lists / np.log2(np.arange(length) + 2.0)).sum(axis=1)
    return best


def _ideal_dcg(ranked: RankedGrades, metric: Metric) -> Values:
    """Return the ``(q,)`` discounted cumulative gains of the judged documents, best first."""
    if ranked.lengths is not None:
        return _packing(ranked, ranked.lengths, metric).dcg
    ideal = ranked.ideal.within(metric.cutoff)
    gains = _gains(ideal.grade, _scale(ranked)[ideal.query], metric)
    return sums(ranked, ideal, gains / np.log2(ideal.place + 1.0))


def _ideal_bound(ranked: RankedGrades, metric: Metric) -> NDArray[np.bool_]:
    """Return ``(q,)`` whether the ideal is an upper bound, so that the value is a lower one."""
    if ranked.lengths is None:
        return np.zeros(len(ranked), dtype=np.bool_)
    return _packing(ranked, ranked.lengths, metric).bound


def _packing(ranked: RankedGrades, lengths: JudgedLengths, metric: Metric) -> Packing:
    gains = _gains(lengths.grade, _scale(ranked)[lengths.query], metric)
    return best_packing(lengths, gains, len(ranked))


def _scale(ranked: RankedGrades) -> Ints:
    return _highest(ranked.ideal.query, ranked.ideal.grade, len(ranked))


def _highest(query: Ints, grade: Grades, queries: int) -> Ints:
    """Return the ``(q,)`` highest grade of each query as a whole number, rounded up; 0 if none is higher."""
    highest = np.zeros(queries, dtype=np.int64)
    np.maximum.at(highest, query, np.ceil(grade).astype(np.int64))
    return highest


def _gains(grades: Grades, scale: Ints, metric: Metric) -> Values:
    """Return the gain of each grade; grades below 0 have none. ``gains`` have replaced the grades before.

    Exponential gains are divided by ``2**scale``: no grade overflows, and as the division by a power of two is exact,
    ratios are those of the undivided gains, bit for bit. The gain of a whole grade is the same whether other grades
    are fractional or not.
    """
    gains = np.maximum(grades, 0)
    if not metric.exponential:
        return gains.astype(np.float64)
    down = (-scale).astype(np.intc)
    whole = np.floor(gains).astype(np.intc)
    found = np.ldexp(1.0, whole + down) - np.ldexp(1.0, down)
    # 2**(w + f) - 1 = 2**w (2**f - 1) + 2**w - 1: a small fraction loses no digits.
    fraction = gains - whole
    return np.asarray(found + np.ldexp(np.expm1(fraction * np.log(2.0)), whole + down))


NDCG = MetricDefinition(
    "nDCG",
    aliases=("NDCG",),
    typed=("ndcgcut",),
    parameters=(DCG, GAINS, JUDGED_ONLY),
    value=_value,
    expected_value=_expected_value,
    value_at_depths=_value_at_depths,
    unjudged=UnjudgedEffect.EITHER_WAY,
    at_budget=True,
    ideal_bound=_ideal_bound,
)
