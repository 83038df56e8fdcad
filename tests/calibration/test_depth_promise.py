"""How often a depth that is shown as enough loses more than the margin, and a depth without gain is recommended.

The queries of the bundled collection, reranked at each depth by the bundled scores, are the world: samples are drawn
from them with replacement, so the true loss of each depth is known. Two scripted worlds try to break the check: few
queries that lose all, and a reranker that is as good as the first stage. ``EVALKIT_RESAMPLES`` sets the draws.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.promises import Promise

from evalkit.config import RetrieverSettings, validate_block
from evalkit.datasets import load_dataset
from evalkit.formats import read_run
from evalkit.metrics import evaluate, parse_metrics
from evalkit.metrics.sweep import sweep_depths
from evalkit.retrievers import open_retriever, retrieve_candidates
from evalkit.stats import quantile_interval, sample_size_for_quantile
from evalkit.tuning import Limits, choose_depth, split_queries
from evalkit.tuning.depth_check import check_loss
from evalkit.tuning.depth_choice import Costs

pytestmark = pytest.mark.long
DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "2000"))
MARGIN = 0.01
ROOT = Path(__file__).parents[2]
CLAIM = "depth shown as enough that loses more than the margin (of all draws): at most .05"


@cache
def demo(metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``(q, 100)`` values at each depth, and ``(q,)`` values of BM25, on the bundled collection."""
    dataset = load_dataset("demo")
    settings = validate_block("retriever kind", {"kind": "bm25"})
    assert isinstance(settings, RetrieverSettings)
    first = retrieve_candidates(open_retriever(settings, dataset), dataset, 100)
    reranked = read_run(next((ROOT / "configs").glob("quickstart*.trec.gz")))
    parsed = parse_metrics([metric])
    values = sweep_depths(first, reranked, dataset.qrels, parsed, 100, "kept").of(metric)
    return values, evaluate(first, dataset.qrels, parsed).of(metric)


def unknown_costs(depths: int) -> Costs:
    """Return latencies and costs that are not known."""
    nothing = np.full(depths, np.nan)
    return Costs(nothing, nothing, nothing)


def loss_within(differences: NDArray[np.float64], margin: float, alpha: float) -> bool:
    """Return whether the test confirms that a loss is within the margin."""
    return check_loss(differences, margin, alpha).status in {"PASS", "IDENTICAL"}


def earlier_choice(values: NDArray[np.float64], seed: int, margin: float = MARGIN) -> int | None:
    """Return the depth that evalkit 0.1 shows as enough: checked against the tuning half's best; None if refuted."""
    split = split_queries(len(values), seed)
    tuning, held_out = values[split.tuning], values[split.held_out]
    best = int(np.argmax(tuning.mean(axis=0)))
    depth = best
    while depth and loss_within(tuning[:, depth - 1] - tuning[:, best], margin, 0.05):
        depth -= 1
    confirmed = depth == best or loss_within(held_out[:, depth] - held_out[:, best], margin, 0.05)
    return depth + 1 if confirmed else None


def rates(
    world: NDArray[np.float64], queries: int, margin: float = MARGIN, copies: int = 1
) -> dict[str, float]:
    """Return how often a depth is shown and how often it is wrong, by the earlier method and by this one.

    Each of the `queries` occurs in several copies, which are one cluster.
    """
    rng = np.random.default_rng(queries)
    loss = world.mean(axis=0)[-1] - world.mean(axis=0)
    counts = dict.fromkeys(("shown before", "wrong before", "shown", "wrong"), 0)
    costs = unknown_costs(world.shape[1])
    clusters = np.repeat(np.arange(queries), copies) if copies > 1 else None
    for seed in range(DRAWS):
        values = np.repeat(world[rng.integers(0, len(world), queries)], copies, axis=0)
        first, split = np.zeros(len(values)), split_queries(len(values), seed, clusters)
        choice = choose_depth(values, first, split, costs, Limits(), margin, clusters=clusters)
        shown = choice.recommended if choice.is_confirmed else None
        for suffix, depth in ((" before", earlier_choice(values, seed, margin)), ("", shown)):
            counts[f"shown{suffix}"] += depth is not None
            counts[f"wrong{suffix}"] += depth is not None and bool(loss[depth - 1] > margin + 1e-12)
    return {name: count / DRAWS for name, count in counts.items()}


def at_most(limit: float) -> float:
    """Return the largest share that the draws may show if the true one is `limit`."""
    return float(stats.binom.ppf(0.999, DRAWS, limit)) / DRAWS


@pytest.mark.parametrize("metric", ["nDCG@10", "MRR@10"])
@pytest.mark.parametrize(
    ("queries", "margin"), [(100, 0.01), (200, 0.01), (300, 0.01), (149, 0.02), (60, 0.05)]
)
def test_a_depth_shown_as_enough_loses_no_more_than_the_margin(
    metric: str, queries: int, margin: float, report_promise: Callable[[Promise], None]
) -> None:
    """On the bundled collection at most .05 of all draws show a depth that loses more."""
    found = rates(demo(metric)[0], queries, margin)
    shown = f"shown in {found['shown']:.2f} (before {found['shown before']:.2f})"
    world = f"demo, {metric}, n = {queries}, margin {margin:g}; {shown}"
    report_promise(Promise(world, CLAIM, found["wrong before"], found["wrong"], DRAWS))
    assert found["wrong"] <= at_most(0.05)


@pytest.mark.parametrize("queries", [100, 300])
def test_repeated_queries_confirm_no_more_than_single_ones(
    queries: int, report_promise: Callable[[Promise], None]
) -> None:
    """Each query three times over, as one cluster: at most .05 of all draws show a depth that loses more."""
    found = rates(demo("nDCG@10")[0], queries, copies=3)
    world = f"demo, nDCG@10, {queries} queries three times over; shown in {found['shown']:.2f}"
    report_promise(Promise(world, CLAIM, found["wrong before"], found["wrong"], DRAWS))
    assert found["wrong"] <= at_most(0.05)


def test_the_held_out_test_alone_is_wrong_with_few_queries() -> None:
    """Without the least number of queries a t test against the deepest depth is wrong in over .05 of the draws."""
    world = demo("nDCG@10")[0]
    rng, wrong = np.random.default_rng(100), 0
    for seed in range(DRAWS):
        values = world[rng.integers(0, len(world), 100)]
        choice = choose_depth(
            values, np.zeros(100), split_queries(100, seed), unknown_costs(100), Limits(), MARGIN
        )
        assert choice.chosen is not None
        passes = choice.checked is not None and (choice.checked.lower or 0.0) > -MARGIN
        wrong += passes and bool(world.mean(axis=0)[-1] - world.mean(axis=0)[choice.chosen - 1] > MARGIN)
    assert wrong / DRAWS > 0.05


@pytest.mark.parametrize("loss", [1.0, 0.5, 0.25])
def test_few_queries_that_lose_much_do_not_pass(
    loss: float, report_promise: Callable[[Promise], None]
) -> None:
    """The loss is just above the margin and is borne by 1 to 4 % of the queries, at every smaller depth."""
    many = 20_000
    world = np.full((many, 6), 0.6)
    losers = np.arange(many) < round(1.01 * MARGIN / loss * many)
    world[losers, -1] = 1.0
    world[losers, :-1] = 1.0 - loss
    found = rates(world, 300)
    promise = Promise(
        f"few queries lose {loss:g}, n = 300", CLAIM, found["wrong before"], found["wrong"], DRAWS
    )
    report_promise(promise)
    assert found["wrong"] <= at_most(0.05)


def test_a_reranker_without_gain_is_not_recommended(report_promise: Callable[[Promise], None]) -> None:
    """The first stage is as good as every depth on average: at most .05 of the draws recommend a depth."""
    rng = np.random.default_rng(3)
    world, first = demo("nDCG@10")
    gap = world[:, -1].mean() - first.mean()
    before = now = 0
    for seed in range(DRAWS):
        rows = rng.integers(0, len(world), 100)
        values, split = world[rows], split_queries(100, seed)
        level = first[rows] + gap
        choice = choose_depth(values, level, split, unknown_costs(100), Limits(), MARGIN)
        before += earlier_choice(values, seed) is not None
        now += choice.recommended is not None
    claim = "depth recommended that is no better than no reranking: at most .05"
    report_promise(Promise("demo, no gain, n = 100", claim, before / DRAWS, now / DRAWS, DRAWS))
    assert now / DRAWS <= at_most(0.05)


def test_a_depth_above_the_latency_limit_is_not_allowed(report_promise: Callable[[Promise], None]) -> None:
    """True p95 2 % above the limit: at most .05 of the draws allow it, by the upper bound of the interval."""
    rng = np.random.default_rng(4)
    calls, before, now = max(300, sample_size_for_quantile(0.95)), 0, 0
    limit = 0.1 / 1.02
    scale = 0.1 / float(stats.lognorm.ppf(0.95, 0.3))
    for _ in range(DRAWS):
        p95 = quantile_interval(scale * rng.lognormal(0, 0.3, calls), 0.95)
        assert p95.estimate is not None
        assert p95.upper is not None
        costs = Costs(np.array([p95.estimate]), np.array([np.nan]), np.array([p95.upper]))
        values = np.full((60, 1), 0.5)
        choice = choose_depth(values, values[:, 0], split_queries(60, 1), costs, Limits(p95_s=limit), MARGIN)
        before += p95.estimate <= limit
        now += choice.allowed > 0
    claim = "depth allowed whose p95 is 2 % above --max-p95-ms: at most .05"
    report_promise(Promise("300 calls, log-normal", claim, before / DRAWS, now / DRAWS, DRAWS))
    assert now / DRAWS <= at_most(0.05)
