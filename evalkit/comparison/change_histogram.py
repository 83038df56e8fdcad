"""Count how many queries gain and lose how much."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

import numpy as np
from numpy.typing import NDArray

_MOST_BINS = 10
_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class ChangeHistogram:
    """Per-query differences to the baseline in bins of equal width; unchanged queries are in none.

    Attributes
    ----------
    width
        Width of a bin.
    losses, wins
        Number of queries in each bin, from no change outwards: place k counts changes of more than k and at most
        k + 1 widths.
    """

    width: float
    losses: tuple[int, ...]
    wins: tuple[int, ...]


def change_histogram(differences: NDArray[np.float64]) -> ChangeHistogram | None:
    """Return the histogram of ``(n,)`` differences, of at most ten bins on each side; None where nothing changes."""
    largest = float(np.abs(differences).max(initial=0.0))
    if largest == 0:
        return None
    width = _round_width(largest / _MOST_BINS)
    return ChangeHistogram(width, _counts(-differences, width), _counts(differences, width))


def _round_width(least: float) -> float:
    power = floor(log10(least))
    step = next(step for step in _STEPS if step * 10.0**power >= least * (1 - 1e-9))
    return float(f"{step * 10.0**power:.6g}")  # without the error of the last digit


def _counts(changes: NDArray[np.float64], width: float) -> tuple[int, ...]:
    """Return the counts of the changes above 0, in bins from 0 outwards."""
    # A change on an edge belongs to the inner bin, whichever way its last digit was rounded.
    places = np.maximum(np.ceil(changes[changes > 0] / width - 1e-9).astype(np.int64), 1)
    return tuple(np.bincount(places - 1).tolist()) if len(places) else ()
