"""Scores of any kind to 0..1, by one documented, strictly increasing function of the kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.records import ScoreKind


def to_unit(scores: NDArray[np.float64], kind: ScoreKind) -> NDArray[np.float64]:
    """Map scores to 0..1, keeping their order.

    =============================  =====================================
    probability                    itself
    logit                          sigmoid, ``1 / (1 + exp(-s))``
    cosine                         ``(1 + s) / 2``
    unbounded, unknown             softsign, ``(1 + s / (1 + |s|)) / 2``
    =============================  =====================================

    Parameters
    ----------
    scores
        ``(n,)`` float64.
    kind
        What they are.
    """
    if kind == "probability":
        return scores
    if kind == "logit":
        # Written with exp(-|s|) so that nothing overflows.
        small = np.exp(-np.abs(scores))
        return np.where(scores >= 0, 1.0, small) / (1.0 + small)
    if kind == "cosine":
        # Rounding can carry a cosine past 1 by an ulp.
        return np.clip((1.0 + scores) / 2.0, 0.0, 1.0)
    return (1.0 + scores / (1.0 + np.abs(scores))) / 2.0
