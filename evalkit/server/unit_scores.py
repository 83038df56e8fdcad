"""Map scores of any kind to 0..1, with one strictly increasing function per kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.records import ScoreKind


def to_unit(scores: NDArray[np.float64], kind: ScoreKind) -> NDArray[np.float64]:
    """Return scores mapped to 0..1 in the same order.

    =============================  =====================================
    probability, rank              itself
    logit                          sigmoid, ``1 / (1 + exp(-s))``
    cosine                         ``(1 + s) / 2``
    unbounded, unknown             softsign, ``(1 + s / (1 + |s|)) / 2``
    =============================  =====================================

    Parameters
    ----------
    scores
        ``(n,)`` float64.
    kind
        What the scores mean.
    """
    if kind in {"probability", "rank"}:
        return scores
    if kind == "logit":
        # exp(-|s|) cannot overflow.
        small = np.exp(-np.abs(scores))
        return np.where(scores >= 0, 1.0, small) / (1.0 + small)
    if kind == "cosine":
        # Rounding can make a cosine exceed 1 by one unit in the last place.
        return np.clip((1.0 + scores) / 2.0, 0.0, 1.0)
    return (1.0 + scores / (1.0 + np.abs(scores))) / 2.0


def shown_scores(scores: NDArray[np.float64], kind: ScoreKind, wanted: ScoreKind) -> Sequence[float]:
    """Return scores on the scale of a reply: logits if these are `wanted` and the scores are logits, else 0..1."""
    raw = wanted == "logit" == kind
    shown: list[float] = (scores if raw else to_unit(scores, kind)).tolist()
    return shown
