"""How often the interval of a latency quantile holds the quantile: whole passes with a scripted clock, 2,000 times.

``EVALKIT_RESAMPLES=5000 python -m pytest -s tests/calibration`` times more often; see evalkit/MEASUREMENTS.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom
from support.timed import Kept, Scripted, ScriptedClock, batches

from evalkit.latency import Blocks, LatencyCell, Workload, measure, summarise_calls
from evalkit.reranking import RerankerSession
from evalkit.stats import quantile_interval

REPEATS = int(os.environ.get("EVALKIT_RESAMPLES", "700"))
QUICK = 80
CALLS = 120
QUANTILES = (0.5, 0.9, 0.95)
STALLS = 0.02
Service = Callable[[np.random.Generator, int], NDArray[np.float64]]


def constant(rng: np.random.Generator, calls: int) -> NDArray[np.float64]:
    """Return service times of 20 ms that vary by a hundredth."""
    return 0.020 * rng.lognormal(0.0, 0.01, calls)


def bimodal(rng: np.random.Generator, calls: int) -> NDArray[np.float64]:
    """Return the same, but one call in fifty stalls for a second."""
    return constant(rng, calls) + (rng.random(calls) < STALLS) * rng.uniform(0.9, 1.1, calls)


def exact_coverage(p: float) -> float:
    """Return how often order statistics hold a quantile: each bound is the best that keeps .025 on its side."""
    ranks = np.arange(CALLS + 1)
    below = binom.cdf(ranks - 1, CALLS, p)
    lower = int(ranks[below <= 0.025].max())
    upper = int(ranks[binom.cdf(ranks - 1, CALLS, p) >= 0.975].min())
    return float(binom.cdf(upper - 1, CALLS, p) - binom.cdf(lower - 1, CALLS, p))


def one_pass(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Time a service that takes these times after its warm-up; return ``(n,)`` measured latencies."""
    made, clock, kept = batches(CALLS + 5), ScriptedClock(), Kept()
    timed = made[5:]
    cell = LatencyCell("r", Workload(1), 5, made[:5], tuple(timed[start::6] for start in range(6)))
    script = iter(seconds)
    measure(
        [cell], [RerankerSession("r", Scripted(clock, lambda *_: float(next(script))))], "d", 0, kept, clock
    )
    calls = [one.call for one in kept.outcomes if one.call.pass_ == "latency"]
    return np.array([call.latency_s for call in calls])


@pytest.mark.parametrize(
    ("service", "repeats"),
    [(bimodal, QUICK), pytest.param(constant, REPEATS, marks=pytest.mark.long),
     pytest.param(bimodal, REPEATS, marks=pytest.mark.long)],
)  # fmt: skip
def test_intervals_of_quantiles_have_their_exact_coverage(service: Service, repeats: int) -> None:
    """Over many passes order statistics hold the true quantile as often as the binomial distribution says.

    The interval that also allows for differences between rounds contains theirs.
    """
    rng = np.random.default_rng(11)
    truth = np.quantile(service(rng, 4_000_000), QUANTILES)
    held, by_calls = np.zeros(len(QUANTILES)), np.zeros(len(QUANTILES))
    latencies = np.empty((repeats, CALLS))
    # A pass takes a tenth of a second, most of it the fixed piece of work before each round. Every twentieth goes the
    # whole way, and shows that the others may be drawn as they are: what is measured is what the service took.
    for number in range(repeats):
        drawn = service(rng, CALLS + 40)
        if number % 20:
            latencies[number] = drawn[:CALLS]
            continue
        measured = one_pass(drawn)
        start = next(i for i in range(5, 31) if np.isclose(measured[0], drawn[i], rtol=1e-9))
        assert measured == pytest.approx(drawn[start : start + CALLS], rel=1e-9)
        latencies[number] = measured
    rounds = Blocks(np.repeat(np.arange(6), CALLS // 6))
    ok, ids = np.ones(CALLS, dtype=bool), np.array([f"q{i}" for i in range(CALLS)], dtype=object)
    for row in latencies:
        summary = summarise_calls(row, ok, ids, rounds, 0.95)
        for place, p in enumerate(QUANTILES):
            alone, found = quantile_interval(row, p, 0.95), summary.quantiles[p].interval
            assert alone.lower is not None
            assert alone.upper is not None
            assert found.lower is not None
            assert found.upper is not None
            assert found.lower <= alone.lower <= alone.upper <= found.upper
            by_calls[place] += alone.lower <= truth[place] <= alone.upper
            held[place] += found.lower <= truth[place] <= found.upper
        assert summary.quantiles[0.99].interval.estimate is None
    share = held / repeats
    exact = np.array([exact_coverage(p) for p in QUANTILES])
    sys.stdout.write(
        f"\n{service.__name__}: held {share.round(3)}, by calls alone {(by_calls / repeats).round(3)},"
        f" exact {exact.round(3)}\n"
    )
    assert (np.abs(by_calls / repeats - exact) <= 3.5 * np.sqrt(exact * (1 - exact) / repeats)).all()
