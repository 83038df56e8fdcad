"""Combine the scores of a document's passages into the score of the document."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.config import PassageRule

TOP = 3
"""Passages whose mean ``mean_top3`` is."""


def combine_scores(
    scores: NDArray[np.float64], starts: NDArray[np.int64], rule: PassageRule
) -> NDArray[np.float64]:
    """Return the ``(d,)`` scores of documents.

    Parameters
    ----------
    scores
        ``(p,)`` scores of passages, those of a document in order and next to each other.
    starts
        ``(d,)`` row of the first passage of each document, ascending from 0.
    rule
        ``max``: the highest score; ``first``: that of the first passage; ``mean_top3``: the mean of the three highest,
        or of all of fewer passages.
    """
    if not len(starts):
        return np.empty(0)
    if rule == "first":
        return scores[starts]
    if rule == "max":
        return np.asarray(np.maximum.reduceat(scores, starts))
    counts = np.diff(starts, append=len(scores))
    highest = scores[np.lexsort((-scores, np.repeat(np.arange(len(starts)), counts)))]
    place = np.arange(len(scores)) - np.repeat(starts, counts)
    return np.asarray(np.add.reduceat(np.where(place < TOP, highest, 0.0), starts) / np.minimum(counts, TOP))
