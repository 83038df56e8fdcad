"""Whether rules on slices, thresholds and costs pass what is at their limit in one of twenty gates at most.

Queries are drawn from those of the bundled collection, so that their mean is the truth. A row of the table of promises
compares bounds without a correction for the number of slices (*before*) with what evalkit does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.promises import Promise
from support.worlds import centred_differences

from evalkit.comparison.budget_rule import judge_cost
from evalkit.comparison.gate_verdicts import decide_drop
from evalkit.comparison.threshold_rules import Limit, judge_empty, judge_kept
from evalkit.datasets import load_dataset
from evalkit.formats import read_run

RESAMPLES = int(os.environ.get("EVALKIT_RESAMPLES", "1000"))
ALPHA, MARGIN, SLICES = 0.05, 0.02, 8
ROOT = Path(__file__).parents[2]
Report = Callable[[Promise], None]
pytestmark = pytest.mark.long


def errors(rate: float) -> float:
    """Return two standard errors of a share of the draws."""
    return 2 * float(np.sqrt(rate * (1 - rate) / RESAMPLES))


@cache
def kept_shares(quantile: float) -> NDArray[np.float64]:
    """Return the ``(q,)`` share of each query's documents above a quantile of all scores of the bundled run."""
    run = read_run(next((ROOT / "configs").glob("quickstart*.trec.gz")))
    threshold = float(np.quantile(run.scores, quantile))
    return np.array([(scores >= threshold).mean() for _, _, scores in run])


@cache
def costs() -> NDArray[np.float64]:
    """Return the ``(q,)`` cost of each query with ten documents at a price for text."""
    demo, run = load_dataset("demo"), read_run(next((ROOT / "configs").glob("quickstart*.trec.gz")))
    characters = [sum(len(demo.corpus.text(doc_id)) for doc_id in docs[:10]) for _, docs, _ in run]
    return np.array(characters) * 5e-9


@pytest.mark.parametrize("n", [30, 60])
def test_some_slice_at_its_limit_passes_in_one_of_twenty_gates(n: int, report_promise: Report) -> None:
    """And some slice at its limit fails in .06 at most: what is said of each slice holds of all at once."""
    rng = np.random.default_rng(n)
    differences = centred_differences() - MARGIN
    wrong = {alpha: {"PASS": 0, "FAIL": 0} for alpha in (ALPHA, ALPHA / SLICES)}
    for _ in range(RESAMPLES):
        drawn = [rng.choice(differences, n) for _ in range(SLICES)]
        for alpha, counts in wrong.items():
            statuses = {decide_drop(part, MARGIN, alpha, is_slice=alpha < ALPHA)[0] for part in drawn}
            for status in counts:
                counts[status] += status in statuses
    before, now = (counts["PASS"] / RESAMPLES for counts in wrong.values())
    world = f"demo, {SLICES} slices of {n} queries that all lose exactly the margin"
    report_promise(Promise(world, "some slice passes: at most .05", before, now, RESAMPLES))
    assert before > 2 * ALPHA, "without the correction the claim would be false"
    assert now <= ALPHA + errors(ALPHA)
    before, now = (counts["FAIL"] / RESAMPLES for counts in wrong.values())
    report_promise(Promise(world, "some slice fails: at most .06", before, now, RESAMPLES))
    assert now <= 0.06 + errors(0.06)


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [40, 200])
def test_a_threshold_at_its_limit_passes_in_one_of_twenty_gates(
    quantile: float, n: int, report_promise: Report
) -> None:
    """Also where nearly every query keeps nothing and the shares are far from a normal distribution."""
    rng = np.random.default_rng(n)
    shares = kept_shares(quantile)
    truth, empty = float(shares.mean()), float((shares == 0).mean())
    passed = {"most": 0, "least": 0, "empty": 0}
    for _ in range(RESAMPLES):
        drawn = rng.choice(shares, n)
        passed["most"] += judge_kept(drawn, Limit(0.0, truth, at_most=True), ALPHA).status == "PASS"
        passed["least"] += judge_kept(drawn, Limit(0.0, truth, at_most=False), ALPHA).status == "PASS"
        none_left = (drawn == 0).astype(np.float64)
        passed["empty"] += empty > 0 and judge_empty(none_left, 0.0, empty, ALPHA).status == "PASS"
    for name, count in passed.items():
        rate = count / RESAMPLES
        world = f"demo, threshold at the {quantile:.0%} quantile, n = {n}"
        report_promise(
            Promise(world, f"kept or empty at its limit ({name}) passes: at most .05", None, rate, RESAMPLES)
        )
        assert rate <= ALPHA + errors(ALPHA), name


@pytest.mark.parametrize("n", [40, 200])
def test_a_cost_at_its_limit_passes_in_one_of_twenty_gates(n: int, report_promise: Report) -> None:
    """For a price by text, where the costs of queries differ."""
    rng = np.random.default_rng(n)
    truth = 1000 * float(costs().mean())
    passed = sum(judge_cost(rng.choice(costs(), n), truth, ALPHA).status == "PASS" for _ in range(RESAMPLES))
    rate = passed / RESAMPLES
    report_promise(
        Promise(
            f"demo, price by text, n = {n}", "cost at its limit passes: at most .05", None, rate, RESAMPLES
        )
    )
    assert rate <= ALPHA + errors(ALPHA)
