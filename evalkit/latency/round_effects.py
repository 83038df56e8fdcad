"""Bounds of percentiles and shares of timed calls that allow for differences between rounds.

Calls of one round share the state of the machine, of the network and of the server. They are not independent, so that
an interval over single calls is too narrow. Rounds are minutes apart: they are the units here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_GROUPS = 4
"""Fewest rounds, or groups of rounds, from which the deviation between rounds is estimated."""
OPEN_PARTS = 5
"""Parts of consecutive calls into which an open loop is cut: they take the place of rounds."""
_CALLS_BEYOND = 0.5
"""Expected calls beyond the quantile in a group: with fewer, the group's quantile is no estimate of it."""
_CLOCK_S = 1e-9
"""Resolution of the clock: shorter times count as this long, because they have no logarithm."""
_NORMAL_IQR = 1.349
"""Interquartile range of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """The rounds of timed calls, or the parts of an open loop.

    Attributes
    ----------
    number
        ``(n,)`` round or part of each call.
    consecutive
        Whether the blocks are parts of one open loop: calls within a part then depend on each other.
    """

    number: NDArray[np.int64]
    consecutive: bool = False

    def of(self, rows: NDArray[np.bool_]) -> Blocks:
        """Return the blocks of some calls."""
        return Blocks(self.number[rows], self.consecutive)


def consecutive_parts(n: int) -> Blocks:
    """Return the parts of the `n` calls of an open loop, in the order of the schedule.

    Batch means (Schmeiser, Batch size effects in the analysis of simulation output, 1982). The parts are few and long,
    because calls that queue together must be in one part: with ten parts, simulated queues broke more limits.
    """
    return Blocks(np.arange(n) * min(OPEN_PARTS, n) // max(n, 1), consecutive=True)


def calls_per_group(p: float) -> int:
    """Return the fewest calls of which quantile `p` is estimated: 1 for the median, 10 for p95, 50 for p99."""
    # The small term is for rounding: 1 - 0.9 is below 0.1.
    return math.ceil(_CALLS_BEYOND / min(p, 1 - p) - 1e-9)


def group_rounds(rounds: NDArray[np.int64], p: float) -> NDArray[np.int64]:
    """Return ``(n,)`` the group of each call: consecutive whole rounds, enough calls together to estimate `p`.

    Parameters
    ----------
    rounds
        ``(n,)`` round of each call.
    p
        The quantile, between 0 and 1.
    """
    _, places, sizes = np.unique(rounds, return_inverse=True, return_counts=True)
    groups = np.zeros(len(sizes), dtype=np.int64)
    enough = calls_per_group(p)
    group = calls = 0
    for place, size in enumerate(sizes):
        groups[place] = group
        calls += int(size)
        if calls >= enough:
            group, calls = group + 1, 0
    if calls and group:
        groups[groups == group] = group - 1  # the rest is too small for a group of its own
    return np.asarray(groups[places])


def quantile_bounds(
    seconds: NDArray[np.float64], blocks: Blocks, p: float, error: float
) -> tuple[float, float] | None:
    """Return the bounds of a quantile of all calls, from the rounds' own quantiles on the log scale.

    Sectioning: the quantile of all calls, and Student's t with the deviation of the rounds' quantiles from it. A tail
    quantile of all calls lies further from the median where rounds differ more, so that the deviation between rounds
    must be estimated, too: the factor is then that of a normal tolerance limit (noncentral t), with the noncentrality
    in proportion to the share of the variance that is between rounds. It is Student's t for the median. For the parts
    of an open loop the share counts as 1: how often a queue is long is seen between parts only.

    Parameters
    ----------
    seconds
        ``(n,)`` latency of each call.
    blocks
        Round of each call.
    p
        The quantile, between 0 and 1.
    error
        Error of each bound.

    Returns
    -------
    None with fewer than `MIN_GROUPS` groups of rounds; see `group_rounds`.

    References
    ----------
    Asmussen and Glynn, Stochastic Simulation (2007), section III.5: sectioning. Krishnamoorthy and Mathew,
    Statistical Tolerance Regions (2009), section 2.2: the factor.
    """
    groups = group_rounds(blocks.number, p)
    parts = [seconds[groups == group] for group in np.unique(groups)]
    count = len(parts)
    if count < MIN_GROUPS:
        return None
    centre = _log(np.quantile(seconds, p))
    own = np.array([_log(np.quantile(part, p)) for part in parts])
    deviation = float(np.sqrt(((own - centre) ** 2).sum() / (count - 1)))
    if deviation == 0:
        return math.exp(centre), math.exp(centre)
    share = 1.0 if blocks.consecutive else _share_between(seconds, parts)
    lower, upper = (
        math.exp(centre + _factor(count, p, share, level) * deviation) for level in (error, 1 - error)
    )
    return lower, upper


def share_bounds(hits: NDArray[np.bool_], blocks: Blocks, error: float) -> tuple[float, float] | None:
    """Return the bounds of the share of calls that are hits: Student's t over rounds, within 0 and 1.

    Parameters
    ----------
    hits
        ``(n,)`` whether a call is a hit.
    blocks
        Round of each call.
    error
        Error of each bound.

    Returns
    -------
    None with fewer than `MIN_GROUPS` rounds.

    References
    ----------
    Cochran, Sampling Techniques (1977), section 3.12: the ratio estimate of a share in clusters of unequal size.
    """
    from scipy.special import stdtrit

    _, places, sizes = np.unique(blocks.number, return_inverse=True, return_counts=True)
    count = len(sizes)
    if count < MIN_GROUPS:
        return None
    share = float(hits.mean())
    residuals = np.bincount(places, hits.astype(np.float64)) - share * sizes
    deviation = math.sqrt(float((residuals**2).sum()) * count / (count - 1)) / len(hits)
    half = float(stdtrit(count - 1, 1 - error)) * deviation
    return max(share - half, 0.0), min(share + half, 1.0)


def _log(seconds: float) -> float:
    return math.log(max(float(seconds), _CLOCK_S))


def _share_between(seconds: NDArray[np.float64], parts: list[NDArray[np.float64]]) -> float:
    """Return the share of the variance of log latencies that is between rounds, at most 1.

    By medians and quartiles: a few slow calls would hide that rounds differ.
    """
    between = float(np.var([_log(np.median(part)) for part in parts], ddof=1))
    low, high = (_log(one) for one in np.quantile(seconds, (0.25, 0.75)))
    total = ((high - low) / _NORMAL_IQR) ** 2
    return min(between / total, 1.0) if total > 0 else float(between > 0)


def _factor(count: int, p: float, share: float, level: float) -> float:
    """Return the distance of a one-sided bound from the quantile, in deviations between rounds."""
    from scipy.special import nctdtrit, ndtri, stdtrit

    offset = float(ndtri(p)) * math.sqrt(share)
    root = math.sqrt(count)
    if abs(offset) < 1e-6:
        return float(stdtrit(count - 1, level)) / root
    return float(nctdtrit(count - 1, offset * root, level)) / root - offset
