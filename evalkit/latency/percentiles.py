"""Latency quantiles of the timed calls of a cell, with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.latency.round_effects import Blocks, quantile_bounds
from evalkit.stats import Interval, clustered_quantile_interval, quantile_interval

QUANTILES = (0.5, 0.9, 0.95, 0.99)
Basis = Literal["calls", "rounds"]
Missing = Literal["calls", "rounds", "harness"]
"""What is too few for an interval; ``harness`` where the load generator was the bottleneck."""
"""What an interval is based on: single calls, or the differences between rounds."""


@dataclass(frozen=True, slots=True)
class LatencyQuantile:
    """A quantile of the latency of one cell.

    Attributes
    ----------
    interval
        Seconds; without an estimate if there are too few calls or rounds.
    decided_by
        ``rounds`` if the differences between rounds make the interval wider than single calls alone; None without one.
    missing
        Why there is no interval; None with one.
    """

    interval: Interval
    decided_by: Basis | None = None
    missing: Missing | None = None


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Latency of one cell.

    Attributes
    ----------
    quantiles
        Quantile -> its interval.
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

    quantiles: Mapping[float, LatencyQuantile]
    queries: int
    calls: int
    failed: int
    max_s: float | None
    outliers: int


def summarise_calls(
    latency_s: NDArray[np.float64],
    ok: NDArray[np.bool_],
    query_ids: NDArray[np.object_],
    blocks: Blocks,
    confidence: float,
) -> LatencySummary:
    """Return the summary of the timed calls of one cell.

    An interval is the wider of two: by order statistics of the calls, and by the differences between rounds. If
    queries repeat, the first is bootstrapped over queries, and both are added: a query is then in several rounds, so
    that differences between queries are not part of the differences between rounds.

    Parameters
    ----------
    latency_s
        ``(n,)`` seconds of each call.
    ok
        ``(n,)`` whether the call succeeded.
    query_ids
        ``(n,)`` query of each call.
    blocks
        Round of each call, or in an open loop its part; see `consecutive_parts`.
    confidence
        Confidence level of the intervals.
    """
    good = latency_s[ok]
    names, clusters = np.unique(query_ids[ok].astype(str), return_inverse=True)
    return LatencySummary(
        quantiles={p: _quantile(good, clusters, blocks.of(ok), p, confidence) for p in QUANTILES},
        queries=len(names),
        calls=len(latency_s),
        failed=int((~ok).sum()),
        max_s=float(good.max()) if len(good) else None,
        outliers=_outliers(good),
    )


def _quantile(
    seconds: NDArray[np.float64],
    clusters: NDArray[np.int64],
    blocks: Blocks,
    p: float,
    confidence: float,
) -> LatencyQuantile:
    repeats = len(clusters) > 0 and int(clusters.max()) + 1 < len(clusters)
    by_calls = (
        clustered_quantile_interval(seconds, clusters, p, confidence)
        if repeats
        else quantile_interval(seconds, p, confidence)
    )
    if by_calls.estimate is None or by_calls.lower is None or by_calls.upper is None:
        return LatencyQuantile(by_calls, missing="calls")
    by_rounds = quantile_bounds(seconds, blocks, p, (1 - confidence) / 2)
    if by_rounds is None:
        return LatencyQuantile(Interval(None, None, None, by_calls.n, confidence), missing="rounds")
    calls = (by_calls.lower, by_calls.upper)
    widened = by_rounds[0] < calls[0] or by_rounds[1] > calls[1]
    if repeats:
        lower, upper = (_added(by_calls.estimate, *pair) for pair in zip(calls, by_rounds, strict=True))
    else:
        lower, upper = min(calls[0], by_rounds[0]), max(calls[1], by_rounds[1])
    interval = Interval(by_calls.estimate, lower, upper, by_calls.n, confidence)
    return LatencyQuantile(interval, "rounds" if widened else "calls")


def _added(estimate: float, first: float, second: float) -> float:
    """Return the bound of two independent errors together, on the log scale, from the bound of each."""
    if min(estimate, first, second) <= 0:
        return min(first, second)
    distance = math.hypot(math.log(first / estimate), math.log(second / estimate))
    return estimate * math.exp(math.copysign(distance, first + second - 2 * estimate))


def _outliers(values: NDArray[np.float64]) -> int:
    if len(values) < 4:
        return 0
    low, high = np.quantile(values, (0.25, 0.75))
    return int((values > high + 3 * (high - low)).sum())
