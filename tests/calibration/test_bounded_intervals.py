"""Whether intervals of values that are mostly 0, mostly 1 or 0 and 1 alone contain the truth as often as they say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from support.promises import Promise
from support.worlds import DRAWS, Values

from evalkit.stats import Interval, bounded_interval, mean_interval, paired_share_interval

pytestmark = pytest.mark.long

Report = Callable[[Promise], None]
CLAIM = "interval of a mean near 0 or 1 contains the truth: at least .94"
SETS = 4 * DRAWS


def coverage(
    draw: Callable[[np.random.Generator], Values], interval: Callable[[Values], Interval], truth: float
) -> float:
    """Return the share of samples whose interval contains the truth; an interval without width counts as it is."""
    rng = np.random.default_rng(3)
    found = [interval(draw(rng)) for _ in range(SETS)]
    return float(
        np.mean([(one.lower or 0.0) - 1e-12 <= truth <= (one.upper or 0.0) + 1e-12 for one in found])
    )


def checked(world: str, draw: Callable[[np.random.Generator], Values], truth: float, report: Report) -> None:
    """Report the coverage of Student's interval and of the bounded one, and check the latter."""
    before, now = (coverage(draw, interval, truth) for interval in (mean_interval, bounded_interval))
    report(Promise(world, CLAIM, before, now, SETS))
    assert now >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / SETS)


@pytest.mark.parametrize(("share", "n"), [(0.98, 30), (0.9, 50), (0.5, 100), (0.02, 200)])
def test_values_of_0_and_1(report_promise: Report, share: float, n: int) -> None:
    """Success@10 of a good system over few queries: the exact interval holds where Student's does not."""
    checked(
        f"share {share:g}, n = {n}", lambda rng: (rng.random(n) < share).astype(float), share, report_promise
    )


@pytest.mark.parametrize(("loses", "n"), [(0.02, 40), (0.05, 40), (0.02, 200)])
def test_few_queries_that_lose_half(report_promise: Report, loses: float, n: int) -> None:
    """Recall that is 1 but for a few queries with half of it."""

    def draw(rng: np.random.Generator) -> Values:
        return np.where(rng.random(n) < loses, 0.5, 1.0)

    checked(f"{loses:.0%} of queries lose half, n = {n}", draw, 1 - loses / 2, report_promise)


@pytest.mark.parametrize(("wins", "losses", "n"), [(0.1, 0.02, 50), (0.02, 0.0, 100), (0.2, 0.2, 30)])
def test_differences_of_0_and_1(report_promise: Report, wins: float, losses: float, n: int) -> None:
    """Paired differences of a 0/1 metric: Tango's interval."""

    def draw(rng: np.random.Generator) -> Values:
        u = rng.random(n)
        return np.where(u < wins, 1.0, np.where(u < wins + losses, -1.0, 0.0))

    truth = wins - losses
    before, now = coverage(draw, mean_interval, truth), coverage(draw, paired_share_interval, truth)
    where = f"{wins:.0%} of queries gained, {losses:.0%} lost, n = {n}"
    report_promise(Promise(where, "interval of a difference of 0/1 values: at least .94", before, now, SETS))
    assert now >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / SETS)


def test_clustered_values_of_0_and_1(report_promise: Report) -> None:
    """Five related queries each: the effective number of queries keeps the coverage."""
    clusters, size, share = 40, 5, 0.9
    index: NDArray[np.int64] = np.repeat(np.arange(clusters), size)

    def draw(rng: np.random.Generator) -> Values:
        rate = rng.beta(share, 1 - share, clusters)
        return (rng.random((clusters, size)) < rate[:, None]).astype(float).ravel()

    before = coverage(draw, bounded_interval, share)
    now = coverage(draw, lambda values: bounded_interval(values, 0.95, index), share)
    report_promise(Promise(f"share {share}, {clusters} clusters of {size} queries", CLAIM, before, now, SETS))
    assert now >= 0.93
