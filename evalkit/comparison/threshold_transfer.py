"""Carry a score threshold over to a new model version, keeping the share of documents or the recall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import query_weights
from evalkit.stats.ranks import largest_gap, rank_correlation

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
KEPT_SHARES = (0.5, 0.2, 0.1)
"""Default thresholds are the old scores that keep these shares of the documents."""
SCALES_APART = 0.1
"""Above this Kolmogorov-Smirnov distance of the score distributions, the old threshold must not be reused as is."""
_RESAMPLES = 999


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPairs:
    """The query-document pairs that both versions scored.

    Attributes
    ----------
    query
        ``(r,)`` query number, from 0.
    before, after
        ``(r,)`` scores of the old and the new version.
    relevant
        ``(r,)`` whether the document is judged relevant.
    """

    query: NDArray[np.int64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    relevant: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ScoreDrift:
    """Difference between two versions' scores of the same pairs.

    Attributes
    ----------
    pairs
        Number of pairs.
    distance
        Kolmogorov-Smirnov distance of the two score distributions, 0 to 1.
    rank_correlation
        Spearman's, over all pairs; None if a version gives all pairs the same score.
    before, after
        Quantiles of the old and the new scores, at `QUANTILES`.
    """

    pairs: int
    distance: float
    rank_correlation: float | None
    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def apart(self) -> bool:
        """Whether the distributions differ so much that the old threshold must not be reused as is."""
        return self.distance > SCALES_APART


@dataclass(frozen=True, slots=True)
class CarriedThreshold:
    """A threshold on the old scores and the corresponding thresholds on the new scores.

    Attributes
    ----------
    before
        The old threshold: documents with this score or more are kept.
    kept_before
        Share of the documents that it keeps.
    recall_before
        Share of the relevant candidates that it keeps; None if no candidate is relevant.
    kept_if_unchanged
        Share of the documents that the old threshold keeps on the new scores.
    same_kept, same_recall
        New threshold that keeps as many documents, or as many relevant ones: ``(value, lower, upper)`` with
        bounds of a bootstrap over queries. `same_recall` is None if no candidate is relevant, or people's judgments do
        not suffice.
    """

    before: float
    kept_before: float
    recall_before: float | None
    kept_if_unchanged: float
    same_kept: tuple[float, float, float]
    same_recall: tuple[float, float, float] | None


def score_drift(pairs: ScoredPairs) -> ScoreDrift:
    """Return how far the new scores' distribution and order differ from the old ones'."""
    constant = any(scores.min() == scores.max() for scores in (pairs.before, pairs.after))
    return ScoreDrift(
        pairs=len(pairs.before),
        distance=largest_gap(pairs.before, pairs.after),
        rank_correlation=None if constant else rank_correlation(pairs.before, pairs.after),
        before=tuple(np.quantile(pairs.before, QUANTILES).tolist()),
        after=tuple(np.quantile(pairs.after, QUANTILES).tolist()),
    )


def carry_threshold(
    pairs: ScoredPairs,
    before: float,
    confidence: float = 0.95,
    seed: int = 0,
    judged: ScoredPairs | None = None,
) -> CarriedThreshold:
    """Return the thresholds on the new scores that correspond to an old one.

    Parameters
    ----------
    pairs
        At least one pair.
    before
        The old threshold.
    confidence, seed
        Confidence level and seed of the percentile bootstrap over queries.
    judged
        The pairs whose relevance counts; all by default.
    """
    kept = pairs.before >= before
    judged = pairs if judged is None else judged
    kept_judged = judged.before >= before
    everything = np.ones(len(kept), dtype=np.bool_)
    has_relevant = bool(judged.relevant.any())
    return CarriedThreshold(
        before=before,
        kept_before=float(kept.mean()),
        recall_before=float(kept_judged[judged.relevant].mean()) if has_relevant else None,
        kept_if_unchanged=float((pairs.after >= before).mean()),
        same_kept=_matched(pairs, kept, everything, confidence, seed),
        same_recall=(
            _matched(judged, kept_judged, judged.relevant, confidence, seed) if has_relevant else None
        ),
    )


def _matched(
    pairs: ScoredPairs, kept: NDArray[np.bool_], among: NDArray[np.bool_], confidence: float, seed: int
) -> tuple[float, float, float]:
    """Return the new threshold that keeps as many of the `among` pairs as the old one, with bootstrap bounds."""
    rows = np.flatnonzero(among)
    rows = rows[np.argsort(-pairs.after[rows], kind="stable")]
    scores, query, was_kept = pairs.after[rows], pairs.query[rows], kept[rows]

    def threshold(weight: NDArray[np.float64]) -> float:
        wanted = float(weight[was_kept].sum())
        place = int(np.searchsorted(np.cumsum(weight), wanted - 1e-9))
        # The midpoint to the next lower score, so that rounding of either score does not change what is kept.
        if wanted <= 0:
            return float(np.nextafter(scores[0], np.inf))
        upper = scores[min(place, len(scores) - 1)]
        lower = scores[place + 1] if place + 1 < len(scores) else upper
        return float((upper + lower) / 2) if lower < upper else float(upper)

    drawn = [
        threshold(weight[query]) for weight in query_weights(int(pairs.query.max()) + 1, _RESAMPLES, seed)
    ]
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return threshold(np.ones(len(rows))), float(low), float(high)


def usual_thresholds(pairs: ScoredPairs) -> list[float]:
    """Return the old scores that keep `KEPT_SHARES` of the documents."""
    found = np.quantile(pairs.before, [1 - share for share in KEPT_SHARES], method="higher")
    return list(dict.fromkeys(found.tolist()))
