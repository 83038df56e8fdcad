"""Latency quantiles of the timed calls of a cell, with confidence intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import Interval, clustered_quantile_interval, quantile_interval

QUANTILES = (0.5, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Latency of one cell.

    Attributes
    ----------
    quantiles
        Quantile -> interval in seconds; without an estimate if the sample is too small.
    queries
        Number of distinct queries among the successful calls.
    calls, failed
        Number of timed calls and of failed ones, which have no latency.
    max_s
        Latency of the slowest successful call; None if all failed.
    outliers
        Number of calls more than three interquartile ranges above the third quartile (Tukey 1977); they are
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
    """Return the summary of the timed calls of one cell.

    If queries repeat, intervals are bootstrapped over queries, because calls of one query are not independent.

    Parameters
    ----------
    latency_s
        ``(n,)`` seconds of each call.
    ok
        ``(n,)`` whether the call succeeded.
    query_ids
        ``(n,)`` query of each call.
    confidence
        Confidence level of the intervals.
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
