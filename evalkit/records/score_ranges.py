"""The range of scores whose meaning is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from evalkit.records.rerank import ScoreKind

RANGES: Mapping[str, tuple[float, float]] = {"probability": (0.0, 1.0), "cosine": (-1.0, 1.0)}
"""Kind -> lowest and highest score; the other kinds have no limits."""
_ROUNDING = 1e-6
"""How far rounding may move a score beyond its range."""


def outside_range(scores: NDArray[np.float64], kind: ScoreKind) -> float | None:
    """Return the score that is furthest outside the range of its kind; None if all are inside.

    Parameters
    ----------
    scores
        ``(n,)`` float64.
    kind
        What the scores mean.
    """
    if kind not in RANGES or not len(scores):
        return None
    low, high = RANGES[kind]
    beyond = np.maximum(low - scores, scores - high)
    furthest = int(np.argmax(beyond))
    return float(scores[furthest]) if beyond[furthest] > _ROUNDING else None
