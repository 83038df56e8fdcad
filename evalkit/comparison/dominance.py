"""Find the systems that another one significantly beats on both quality and latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import mean_interval

Rounds = Mapping[int, float]
"""Round -> natural logarithm of the median seconds."""


def dominated_by(
    better_than: Mapping[str, Sequence[str]], rounds: Mapping[str, Rounds], confidence: float
) -> dict[str, list[str] | None]:
    """Return name -> the systems that are better and faster; None where a system was not timed.

    Parameters
    ----------
    better_than
        Name -> the systems that are significantly better by a corrected test.
    rounds
        Name -> the median latency of each round. All systems must be timed in the same rounds of one run.
    confidence
        Confidence level of the interval of the latency ratio. "Faster" means that the interval is below 1.
    """
    return {
        name: None
        if name not in rounds
        else [
            other for other in above if other in rounds and _faster(rounds[other], rounds[name], confidence)
        ]
        for name, above in better_than.items()
    }


def _faster(one: Rounds, other: Rounds, confidence: float) -> bool:
    """Return whether `one` is significantly faster than `other`."""
    interval = mean_interval(log_ratios(one, other), confidence)
    return interval.upper is not None and interval.upper < 0


def log_ratios(one: Rounds, other: Rounds) -> NDArray[np.float64]:
    """Return ``(r,)`` log ratios of two systems' median latencies, one per round that both have."""
    return np.array([one[number] - other[number] for number in sorted(one) if number in other])
