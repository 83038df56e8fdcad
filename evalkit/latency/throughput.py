"""How much is done in a second."""

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
        Beginning and end, seconds of one clock.
    ok
        Whether the call succeeded.
    round
        Its round.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    ok: NDArray[np.bool_]
    round: NDArray[np.int64]


def rates_by_round(calls: Spans, amount: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(r,)`` amounts per second, one for each round in which two calls succeeded.

    From the first reply to the last, and what all but the first got done: a round has no ramps then.

    Parameters
    ----------
    calls
        Every call of a cell.
    amount
        ``(n,)`` what each of them got done: 1 to count calls, documents, tokens.
    """
    rates = []
    for number in np.unique(calls.round):
        here = np.flatnonzero((calls.round == number) & calls.ok)
        order = here[np.argsort(calls.end_s[here], kind="stable")]
        span = float(np.ptp(calls.end_s[order])) if len(order) else 0.0
        if span > 0:
            rates.append(float(amount[order[1:]].sum()) / span)
    return np.array(rates)


def throughput(calls: Spans, amount: NDArray[np.float64], confidence: float) -> Interval:
    """Return the mean amount per second with its t interval over rounds; n counts rounds."""
    return mean_interval(rates_by_round(calls, amount), confidence)
