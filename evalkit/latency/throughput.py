"""Throughput: calls, documents or tokens per second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import Interval, mean_interval


@dataclass(frozen=True, slots=True)
class Spans:
    """Calls of one cell as columns, ``(n,)`` each.

    Attributes
    ----------
    start_s, end_s
        Start and end in seconds of one clock.
    ok
        Whether the call succeeded.
    round
        Round of the call.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    ok: NDArray[np.bool_]
    round: NDArray[np.int64]


def rates_by_round(calls: Spans, amount: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(r,)`` amounts per second, one for each round with at least two successful calls.

    The rate of a round is the amount of all its calls but the first, divided by the time from the first reply to
    the last, which excludes the ramp-up.

    Parameters
    ----------
    calls
        All calls of a cell.
    amount
        ``(n,)`` amount that each call processed, e.g. 1 to count calls, documents or tokens.
    """
    rates = []
    for number in np.unique(calls.round):
        rows = np.flatnonzero((calls.round == number) & calls.ok)
        order = rows[np.argsort(calls.end_s[rows], kind="stable")]
        span = float(np.ptp(calls.end_s[order])) if len(order) else 0.0
        if span > 0:
            rates.append(float(amount[order[1:]].sum()) / span)
    return np.array(rates)


def throughput(calls: Spans, amount: NDArray[np.float64], confidence: float) -> Interval:
    """Return the mean amount per second with its t interval over rounds; n counts rounds."""
    return mean_interval(rates_by_round(calls, amount), confidence)
