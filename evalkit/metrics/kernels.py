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
from evalkit.metrics.ranked import RankedGrades

Values = NDArray[np.float64]


def ndcg(ranked: RankedGrades, metric: Metric) -> Values:
    """Discounted cumulated gain over that of the ideal list of all judged documents.

    Gain is the grade (``dcg='log2'``, trec_eval) or ``2**grade - 1`` (``dcg='exp-log2'``,
    Burges et al. 2005); the discount of rank i is ``log2(i + 1)`` (Jarvelin and Kekalainen 2002,
    as in trec_eval).
    """
    exponential = dict(metric.params).get("dcg") == "exp-log2"
    achieved = _dcg(ranked.grades, metric.cutoff, exponential=exponential)
    ideal = _dcg(ranked.ideal, metric.cutoff, exponential=exponential)
    return _ratio(achieved, ideal)


def _dcg(grades: NDArray[np.int64], cutoff: int | None, *, exponential: bool) -> Values:
    gains = np.maximum(grades[:, :cutoff], 0).astype(np.float64)
    if exponential:
        gains = np.exp2(gains) - 1.0
    discounts = np.log2(np.arange(gains.shape[1], dtype=np.float64) + 2.0)
    return np.asarray((gains / discounts).sum(axis=1), dtype=np.float64)


def reciprocal_rank(ranked: RankedGrades, metric: Metric) -> Values:
    """One over the rank of the first relevant document; 0 where none is within the cutoff."""
    relevant = _relevant(ranked, metric)
    if relevant.shape[1] == 0:
        return np.zeros(relevant.shape[0])
    return np.where(relevant.any(axis=1), 1.0 / (relevant.argmax(axis=1) + 1.0), 0.0)


def average_precision(ranked: RankedGrades, metric: Metric) -> Values:
    """Mean over all relevant documents of the precision at their ranks; 0 for those not retrieved."""
    relevant = _relevant(ranked, metric)
    precision = relevant.cumsum(axis=1) / np.arange(1.0, relevant.shape[1] + 1.0)
    return _ratio((precision * relevant).sum(axis=1), _number_relevant(ranked, metric))


def precision(ranked: RankedGrades, metric: Metric) -> Values:
    """Share of the first `cutoff` ranks that hold a relevant document; short lists are not excused."""
    return np.asarray(_relevant(ranked, metric).sum(axis=1) / float(metric.cutoff or 1), dtype=np.float64)


def recall(ranked: RankedGrades, metric: Metric) -> Values:
    """Share of all relevant documents that are within the cutoff."""
    return _ratio(_relevant(ranked, metric).sum(axis=1).astype(np.float64), _number_relevant(ranked, metric))


def success(ranked: RankedGrades, metric: Metric) -> Values:
    """1 where any relevant document is within the cutoff, else 0."""
    return np.asarray(_relevant(ranked, metric).any(axis=1), dtype=np.float64)


def judged(ranked: RankedGrades, metric: Metric) -> Values:
    """Share of the documents within the cutoff that were judged for the query."""
    retrieved = ranked.retrieved if metric.cutoff is None else np.minimum(ranked.retrieved, metric.cutoff)
    return _ratio(
        ranked.judged[:, : metric.cutoff].sum(axis=1).astype(np.float64), retrieved.astype(np.float64)
    )


def _relevant(ranked: RankedGrades, metric: Metric) -> NDArray[np.bool_]:
    return np.asarray(ranked.grades[:, : metric.cutoff] >= metric.rel)


def _number_relevant(ranked: RankedGrades, metric: Metric) -> Values:
    return np.asarray((ranked.ideal >= metric.rel).sum(axis=1), dtype=np.float64)


def _ratio(numerator: Values, denominator: Values) -> Values:
    """Divide, giving 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator > 0)


KERNEL: dict[str, Callable[[RankedGrades, Metric], Values]] = {
    "nDCG": ndcg,
    "RR": reciprocal_rank,
    "AP": average_precision,
    "P": precision,
    "R": recall,
    "Success": success,
    "Judged": judged,
}
