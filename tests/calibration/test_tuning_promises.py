"""Thresholds of clustered queries, held-out shares, and the calibration error of calibrated scores.

Each claim is simulated in worlds where the truth is known, the earlier method in the same draws.
``EVALKIT_RESAMPLES`` sets the draws.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.promises import Promise

from evalkit.stats import bounded_interval, mean_interval, query_weights
from evalkit.tuning.calibration_error import BINS, calibration_error
from evalkit.tuning.threshold_choice import ScoredLists, guaranteed_recall

pytestmark = pytest.mark.long
DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "1000"))
TARGET, CONFIDENCE = 0.9, 0.95
GRID = np.linspace(0, 1, 101)


def at_most(limit: float, draws: int = DRAWS) -> float:
    """Return the largest share that the draws may show if the true one is `limit`."""
    return float(stats.binom.ppf(0.999, draws, limit)) / draws


def at_least(limit: float, draws: int = DRAWS) -> float:
    """Return the smallest share that the draws may show if the true one is `limit`."""
    return 1 - at_most(1 - limit, draws)


def independent(clusters: NDArray[np.int64]) -> int:
    """Return the effective number of independent queries that a threshold is chosen on."""
    nothing = tuple(np.empty(0) for _ in clusters)
    return ScoredLists.of(nothing, tuple(one.astype(np.bool_) for one in nothing), clusters).independent


@pytest.mark.parametrize(
    ("sizes", "rho"),
    [([1] * 150, 0.0), ([5] * 30, 0.6), ([5] * 30, 1.0), ([3] * 60, 1.0), ([20, *[5] * 20, *[1] * 80], 1.0)],
    ids=["alone", "5 rho .6", "5 rho 1", "3 rho 1", "mixed rho 1"],
)
def test_a_guaranteed_recall_holds_for_clustered_queries(
    sizes: list[int], rho: float, report_promise: Callable[[Promise], None]
) -> None:
    """Queries of a cluster lose together: the promise breaks in at most .05 of the tuning sets.

    One relevant document per query with a uniform score, so a threshold of t loses the recall t.
    """
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    queries, groups = len(clusters), independent(clusters)
    before = now = 0
    for _ in range(DRAWS):
        shared = rng.normal(size=len(sizes))[clusters] * np.sqrt(rho)
        scores = stats.norm.cdf(shared + rng.normal(size=queries) * np.sqrt(1 - rho))
        losses = (scores[:, None] < GRID).mean(axis=0)
        places = [guaranteed_recall(losses, n, TARGET, CONFIDENCE) for n in (queries, groups)]
        broken = [place is not None and bool(GRID[place] > 1 - TARGET + 1e-12) for place in places]
        before, now = before + broken[0], now + broken[1]
    claim = "threshold below its guaranteed recall: at most .05"
    world = f"{queries} queries in {len(sizes)} clusters, correlation {rho:g}"
    report_promise(Promise(world, claim, before / DRAWS, now / DRAWS, DRAWS))
    assert now / DRAWS <= at_most(1 - CONFIDENCE)


@pytest.mark.parametrize("queries", [40, 60, 126])
@pytest.mark.parametrize(("share", "loss"), [(0.05, 0.5), (0.02, 0.5), (0.01, 1.0)])
def test_intervals_of_held_out_recall_hold_the_truth(
    queries: int, share: float, loss: float, report_promise: Callable[[Promise], None]
) -> None:
    """Few queries lose: the interval covers the true recall, has a width and stays inside 0 and 1."""
    rng = np.random.default_rng(queries)
    true = 1 - share * float(np.clip(rng.normal(loss, 0.2, 200_000), 0, 1).mean())
    before = now = 0
    for _ in range(DRAWS):
        lost = (rng.random(queries) < share) * np.clip(rng.normal(loss, 0.2, queries), 0, 1)
        plain, found = mean_interval(1 - lost), bounded_interval(1 - lost)
        assert 0 <= (found.lower or 0) < (found.upper or 0) <= 1
        before += (plain.lower or 0) <= true <= (plain.upper or 0)
        now += (found.lower or 0) <= true <= (found.upper or 0)
    claim = "interval of held-out recall holds the truth: at least .94"
    world = f"{share:.0%} of queries lose {loss:g}, n = {queries}"
    report_promise(Promise(world, claim, before / DRAWS, now / DRAWS, DRAWS))
    assert now / DRAWS >= at_least(0.94)


def resampled_lower(
    probabilities: NDArray[np.float64], relevant: NDArray[np.bool_], query: NDArray[np.int64]
) -> float:
    """Return the lower bound that evalkit 0.1 gives the calibration error: bins by row, bootstrap over queries."""
    place = np.empty(len(relevant), dtype=np.int64)
    place[np.argsort(probabilities, kind="stable")] = np.arange(len(relevant)) * BINS // len(relevant)
    queries = int(query.max()) + 1
    error = np.bincount(query * BINS + place, probabilities - relevant, queries * BINS).reshape(queries, BINS)
    counts = np.bincount(query, minlength=queries)
    drawn = [np.abs(weight @ error).sum() / (weight @ counts) for weight in query_weights(queries, 199, 0)]
    return min(float(np.quantile(drawn, 0.025)), float(np.abs(error.sum(axis=0)).sum()) / len(relevant))


def independent_labels(
    rng: np.random.Generator, queries: int, documents: int
) -> tuple[NDArray[np.float64], ...]:
    """Return calibrated probabilities that all differ, and relevance drawn from them."""
    stated = np.clip(rng.beta(0.6, 4, queries * documents), 1e-4, 1 - 1e-4)
    return stated, rng.random(len(stated)) < stated


def constant(rng: np.random.Generator, queries: int, documents: int) -> tuple[NDArray[np.float64], ...]:
    """Return one probability for all pairs, the base rate of a collection whose queries differ in theirs."""
    relevant = rng.random((queries, documents)) < rng.beta(1, 9, queries)[:, None]
    return np.full(relevant.size, 0.1), relevant.ravel()


def tied(rng: np.random.Generator, queries: int, documents: int) -> tuple[NDArray[np.float64], ...]:
    """Return four probabilities, calibrated over all queries but not within one."""
    stated = rng.choice((0.02, 0.1, 0.3, 0.6), (queries, documents))
    own = stats.beta.ppf(rng.random(queries)[:, None], 8 * stated, 8 * (1 - stated))
    return stated.ravel(), (rng.random((queries, documents)) < own).ravel()


@pytest.mark.parametrize("make", [independent_labels, constant, tied])
@pytest.mark.parametrize(("queries", "documents"), [(50, 20), (100, 50)])
def test_calibrated_probabilities_are_not_called_miscalibrated(
    make: Callable[..., tuple[NDArray[np.float64], NDArray[np.bool_]]],
    queries: int,
    documents: int,
    report_promise: Callable[[Promise], None],
) -> None:
    """The interval of the calibration error excludes 0 in at most .05 of the draws; debiased, it is near 0."""
    draws = max(DRAWS // 4, 100)
    rng = np.random.default_rng(queries)
    query = np.repeat(np.arange(queries), documents)
    before, now, debiased, plain = 0, 0, [], []
    for seed in range(draws):
        stated, relevant = make(rng, queries, documents)
        found = calibration_error(stated, relevant, query, seed=seed)
        before += resampled_lower(stated, relevant, query) > 0
        now += found.lower > 0
        debiased.append(found.debiased)
        plain.append(found.value)
    claim = "interval of the calibration error excludes 0 under perfect calibration: at most .05"
    world = f"{make.__name__.replace('_', ' ')}, {queries} queries of {documents}"
    report_promise(Promise(world, claim, before / draws, now / draws, draws))
    assert now / draws <= at_most(0.05, draws)
    assert np.mean(debiased) < np.mean(plain)


def test_the_expected_error_is_that_of_calibrated_probabilities() -> None:
    """What is printed as expected under perfect calibration is the mean error over worlds that are calibrated."""
    rng = np.random.default_rng(9)
    query = np.repeat(np.arange(100), 50)
    found = [calibration_error(*independent_labels(rng, 100, 50), query, seed=seed) for seed in range(100)]
    values, expected = np.array([(one.value, one.expected) for one in found]).T
    assert abs(values.mean() - expected.mean()) < 4 * values.std() / 10


def test_a_wrong_probability_is_found_and_its_error_covered(
    report_promise: Callable[[Promise], None],
) -> None:
    """Stated probabilities that are too high: the interval holds the true error and excludes 0."""
    rng = np.random.default_rng(10)
    query, draws, held = np.repeat(np.arange(100), 50), max(DRAWS // 4, 100), 0
    for seed in range(draws):
        stated = rng.choice((0.02, 0.1, 0.3, 0.6), 5000)
        found = calibration_error(stated, rng.random(5000) < stated**1.5, query, seed=seed)
        held += found.lower <= float((stated - stated**1.5).mean()) <= found.upper
        assert found.lower > 0
    claim = "interval of the calibration error holds the true one: at least .95"
    report_promise(Promise("four probabilities, too high", claim, None, held / draws, draws))
    assert held / draws >= at_least(0.95, draws)
