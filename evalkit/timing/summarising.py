"""Timed calls to quantiles with intervals, and nothing the sample cannot carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import Interval, quantile_interval

QUANTILES = (0.5, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """What may be said of the latency of one cell (closed loop).

    Attributes
    ----------
    quantiles
        Quantile -> interval in seconds; without estimate where the sample is too small.
    calls, failed
        Timed calls, and how many of them failed: those have no latency.
    max_s
        The slowest successful call; None where there is none.
    filled_calls
        Calls whose batch was filled up with documents that are no candidates.
    """

    quantiles: Mapping[float, Interval]
    calls: int
    failed: int
    max_s: float | None
    filled_calls: int


def summarise_calls(
    latency_s: NDArray[np.float64], ok: NDArray[np.bool_], filled: NDArray[np.int64], confidence: float
) -> LatencySummary:
    """Summarise the timed calls of one cell.

    Parameters
    ----------
    latency_s
        ``(n,)`` seconds of each call.
    ok
        ``(n,)`` whether it succeeded.
    filled
        ``(n,)`` documents put in to fill its batch.
    confidence
        Level of the intervals.
    """
    good = latency_s[ok]
    return LatencySummary(
        quantiles={p: quantile_interval(good, p, confidence) for p in QUANTILES},
        calls=len(latency_s),
        failed=int((~ok).sum()),
        max_s=float(good.max()) if len(good) else None,
        filled_calls=int((filled > 0).sum()),
    )
