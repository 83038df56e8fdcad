"""How often the interval of a cascade's composed latency holds the true one.

Calls are drawn, not timed. The latency of each stage is a factor of its round, which both stages share, by its own
noise; the truth is the quantile of sums drawn in the same way. Before: calls are paired over all rounds, and taken as
independent. ``EVALKIT_RESAMPLES`` sets the draws.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.promises import Promise

from evalkit.latency.composed import StageCalls, compose
from evalkit.stats import quantile_interval

pytestmark = pytest.mark.long
DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "300"))
CALLS, ROUNDS = 120, 10
IDS = np.array([f"q{i}" for i in range(CALLS)], dtype=object)
STAGES_S = (0.05, 0.4)
SKIPPED = 0.3


def stage(rng: np.random.Generator, seconds: float, factors: NDArray[np.float64]) -> StageCalls:
    """Return the calls of a stage; `factors` are those of the rounds."""
    rounds = np.arange(CALLS) // (CALLS // ROUNDS)
    return StageCalls(
        seconds * factors[rounds] * np.exp(0.3 * rng.standard_normal(CALLS)), rounds, IDS, rng.random(CALLS)
    )


def truth(p: float, round_sd: float, skipped: float) -> float:
    """Return a quantile of very many calls of the cascade."""
    rng = np.random.default_rng(7)
    n = 400_000
    factor = np.exp(round_sd * rng.standard_normal(n))
    first, later = (s * np.exp(0.3 * rng.standard_normal(n)) for s in STAGES_S)
    return float(np.quantile(factor * (first + later * (rng.random(n) >= skipped)), p))


@pytest.mark.parametrize("p", [0.5, 0.95])
@pytest.mark.parametrize("skipped", [0.0, SKIPPED])
@pytest.mark.parametrize("round_sd", [0.0, 0.3])
def test_the_interval_of_a_composed_quantile_holds_the_true_one(
    p: float, skipped: float, round_sd: float, report_promise: Callable[[Promise], None]
) -> None:
    """At least as often as its level says, also where rounds differ and where some queries skip a stage."""
    expected = truth(p, round_sd, skipped)
    held = naive = 0
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        factors = np.exp(round_sd * rng.standard_normal(ROUNDS))
        stages = [stage(rng, seconds, factors) for seconds in STAGES_S]
        goes_on = {query: bool(one) for query, one in zip(IDS, rng.random(CALLS) >= skipped, strict=True)}
        found = compose(stages, goes_on if skipped else None, 0.95).quantiles[p].interval
        later = rng.permutation(stages[1].seconds) * np.array([goes_on[query] for query in IDS])
        single = quantile_interval(stages[0].seconds + later, p, 0.95)
        for interval, is_naive in ((found, False), (single, True)):
            assert interval.lower is not None
            assert interval.upper is not None
            hit = interval.lower <= expected <= interval.upper
            naive, held = naive + (hit and is_naive), held + (hit and not is_naive)
    world = f"rounds differ by {round_sd:g}, {skipped:.0%} skip a stage, p{p * 100:g}"
    claim = "interval of a composed latency holds the true one: at least .95"
    report_promise(Promise(world, claim, naive / DRAWS, held / DRAWS, DRAWS))
    assert held / DRAWS >= 1 - float(stats.binom.ppf(0.999, DRAWS, 0.05)) / DRAWS


@pytest.mark.parametrize("p", [0.5, 0.95])
@pytest.mark.parametrize("share", [1.0, 0.7])
def test_long_documents_slow_both_stages(
    p: float, share: float, report_promise: Callable[[Promise], None]
) -> None:
    """Two equal stages; the documents of a query are long for both, by all or by a part of their length.

    Before: calls are added in any order, so that the sums vary less than calls of the cascade.
    """
    sd, own_sd, seconds, n = 0.3, 0.15, 0.2, 400_000

    def latency(rng: np.random.Generator, length: NDArray[np.float64]) -> NDArray[np.float64]:
        return seconds * np.exp(sd * length + own_sd * rng.standard_normal(len(length)))

    def lengths(rng: np.random.Generator, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        shared, *own = (rng.standard_normal(size) for _ in range(3))
        first, later = (np.sqrt(share) * shared + np.sqrt(1 - share) * one for one in own)
        return first, later

    rng = np.random.default_rng(7)
    expected = float(np.quantile(sum(latency(rng, one) for one in lengths(rng, n)), p))
    rounds = np.arange(CALLS) // (CALLS // ROUNDS)
    held = unordered = 0
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        drawn = [rng.standard_normal(CALLS) for _ in STAGES_S]
        stages = [StageCalls(latency(rng, one), rounds, IDS, np.exp(one)) for one in drawn]
        blind = [StageCalls(one.seconds, rounds, IDS, np.zeros(CALLS)) for one in stages]
        for which, calls in ((0, stages), (1, blind)):
            found = compose(calls, None, 0.95).quantiles[p].interval
            hit = (found.lower or 0.0) <= expected <= (found.upper or 0.0)
            held, unordered = held + (hit and which == 0), unordered + (hit and which == 1)
    world = f"long documents slow both stages, correlation {share:g}, p{p * 100:g}"
    claim = "interval of a composed latency holds the true one: at least .95"
    report_promise(Promise(world, claim, unordered / DRAWS, held / DRAWS, DRAWS))
    assert held / DRAWS >= 1 - float(stats.binom.ppf(0.999, DRAWS, 0.05)) / DRAWS
