"""nDCG: discounted cumulative gain over that of the ideal list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.best_packing import Packing, best_packing
from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.parameters import DCG, GAINS, JUDGED_ONLY
from evalkit.metrics.per_query import ratio, sums
from evalkit.metrics.ranked import JudgedLengths, JudgedPlaces, RankedGrades
from evalkit.metrics.tie_places import sum_over_places


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    """Return discounted cumulative gain over that of the ideal list of all judged documents.

    Gain is the grade (``dcg='log2'``, trec_eval), the value in ``gains``, or ``2**grade - 1``
    (``dcg='exp-log2'``, Burges et al. 2005); the discount of rank i is ``log2(i + 1)`` (Jarvelin and
    Kekalainen 2002, as in trec_eval). At a budget of tokens, which is evalkit's own definition, the ideal list is the
    best one that the budget allows (see `best_packing`).
    """
    found = ranked.found.within(metric.cutoff)
    gains = _gains(found.grade, metric) / np.log2(found.place + 1.0)
    values = ratio(sums(ranked, found, gains), _ideal_dcg(ranked, metric))
    # The same documents summed in another order may differ from the ideal in the last digit.
    return np.minimum(values, 1.0) if ranked.lengths else values


def _expected_value(ranked: RankedGrades, metric: Metric) -> Values:
    found = ranked.found
    discount = sum_over_places(found, metric.cutoff, lambda place: 1.0 / np.log2(place + 1.0)) / found.tied
    return ratio(sums(ranked, found, _gains(found.grade, metric) * discount), _ideal_dcg(ranked, metric))


def _value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    ideal = _gains(judged.ideal, metric)[: metric.cutoff]
    best = float((ideal / np.log2(np.arange(len(ideal)) + 2.0)).sum())
    gains = _gains(judged.grades, metric)[:, None] * judged.within(metric.cutoff, lowest_grade=1)
    achieved = (gains / np.log2(judged.places + 1.0)).sum(axis=0)
    return np.asarray(achieved / best if best else np.zeros_like(achieved))


def _ideal_dcg(ranked: RankedGrades, metric: Metric) -> Values:
    """Return the ``(q,)`` discounted cumulative gains of the judged documents, best first."""
    if ranked.lengths is not None:
        return _packing(ranked, ranked.lengths, metric).dcg
    ideal = ranked.ideal.within(metric.cutoff)
    return sums(ranked, ideal, _gains(ideal.grade, metric) / np.log2(ideal.place + 1.0))


def _ideal_bound(ranked: RankedGrades, metric: Metric) -> NDArray[np.bool_]:
    """Return ``(q,)`` whether the ideal is an upper bound, so that the value is a lower one."""
    if ranked.lengths is None:
        return np.zeros(len(ranked), dtype=np.bool_)
    return _packing(ranked, ranked.lengths, metric).bound


def _packing(ranked: RankedGrades, lengths: JudgedLengths, metric: Metric) -> Packing:
    return best_packing(lengths, _gains(lengths.grade, metric), len(ranked))


def _gains(grades: NDArray[np.int64], metric: Metric) -> Values:
    """Return the gain of each grade; grades below 0 have none. ``gains`` have replaced the grades before."""
    gains = np.maximum(grades, 0).astype(np.float64)
    return np.exp2(gains) - 1.0 if metric.exponential else gains


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
