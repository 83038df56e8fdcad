"""Timed calls to quantiles with intervals, and nothing the sample cannot carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import Interval, clustered_quantile_interval, quantile_interval

QUANTILES = (0.5, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """What may be said of the latency of one cell.

    Attributes
    ----------
    quantiles
        Quantile -> interval in seconds; without estimate where the sample is too small.
    queries
        Different queries among the successful calls.
    calls, failed
        Timed calls, and how many of them failed: those have no latency.
    max_s
        The slowest successful call; None where there is none.
    outliers
        Calls beyond the third quartile by more than three times the distance of the quartiles (Tukey 1977):
        counted, never dropped.
    """

    quantiles: Mapping[float, Interval]
    queries: int
    calls: int
    failed: int
    max_s: float | None
    outliers: int


def summarise_calls(
    latency_s: NDArray[np.float64], ok: NDArray[np.bool_], query_ids: NDArray[np.object_], confidence: float
) -> LatencySummary:
    """Summarise the timed calls of one cell.

    Where queries repeat, intervals are bootstrapped over queries: their calls are no independent samples.

    Parameters
    ----------
    latency_s
        ``(n,)`` seconds of each call.
    ok
        ``(n,)`` whether it succeeded.
    query_ids
        ``(n,)`` its query.
    confidence
        Level of the intervals.
    """
    good = latency_s[ok]
    names, clusters = np.unique(query_ids[ok].astype(str), return_inverse=True)
    repeats = len(names) < len(good)
    return LatencySummary(
        quantiles={
            p: clustered_quantile_interval(good, clusters, p, confidence)
            if repeats
            else quantile_interval(good, p, confidence)
            for p in QUANTILES
        },
        queries=len(names),
        calls=len(latency_s),
        failed=int((~ok).sum()),
        max_s=float(good.max()) if len(good) else None,
        outliers=_outliers(good),
    )


def _outliers(values: NDArray[np.float64]) -> int:
    if len(values) < 4:
        return 0
    low, high = np.quantile(values, (0.25, 0.75))
    return int((values > high + 3 * (high - low)).sum())
