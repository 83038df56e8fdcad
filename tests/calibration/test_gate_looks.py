"""Whether the advice to add queries holds: the chance of passing that is printed, and the error over both looks.

``EVALKIT_RESAMPLES`` draws more.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from support.promises import Promise

from evalkit.comparison.gate_verdicts import decide_drop
from evalkit.stats import (
    SeenDifferences,
    chance_of_passing,
    level_of_two_looks,
    more_queries_for,
    queries_needed,
)

RESAMPLES = int(os.environ.get("EVALKIT_RESAMPLES", "1000"))
ALPHA, MARGIN, DEVIATION = 0.05, 0.01, 0.1
Report = Callable[[Promise], None]


def errors(rate: float, draws: int) -> float:
    """Return two standard errors of a share of some draws."""
    return 2 * float(np.sqrt(rate * (1 - rate) / draws))


def differences(rng: np.random.Generator, kind: str, mean: float, n: int) -> np.ndarray:
    """Return differences with a true mean: normal, or with most queries unchanged and the others moved either way."""
    if kind == "normal":
        return rng.normal(mean, DEVIATION, n)
    return mean + np.where(rng.random(n) < 0.25, rng.choice([-1.0, 1.0], n) * 2 * DEVIATION, 0.0)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["normal", "mostly unchanged"])
@pytest.mark.parametrize("n", [50, 100, 200])
def test_two_looks_err_together_at_most_one_in_twenty(n: int, kind: str, report_promise: Report) -> None:
    """At a true loss of the margin: gate, add the queries that are advised, gate all of them again.

    *Before* is the advice of earlier versions, the whole alpha at both looks. Now each look has the level at which
    the worst number of added queries is allowed for.
    """
    rng = np.random.default_rng(n)
    passed = {"before": 0, "now": 0}
    for _ in range(RESAMPLES):
        first = differences(rng, kind, -MARGIN, n)
        reserve = differences(rng, kind, -MARGIN, 20 * n)
        for way, alpha in (("before", ALPHA), ("now", level_of_two_looks(ALPHA))):
            status, _ = decide_drop(first, MARGIN, alpha)
            if status == "CANNOT TELL":
                more = _advised(first, alpha, way)
                status, _ = decide_drop(np.append(first, reserve[:more]), MARGIN, alpha)
            passed[way] += status == "PASS"
    before, now = (passed[way] / RESAMPLES for way in ("before", "now"))
    claim = "a loss of the margin passes in one of two looks: at most .05"
    report_promise(Promise(f"{kind}, first n = {n}", claim, before, now, RESAMPLES))
    assert now <= ALPHA + errors(ALPHA, RESAMPLES)
    assert before > now


def _advised(first: np.ndarray, alpha: float, way: str) -> int:
    """Return how many queries are added: as advised, or 20 times as many where more are unlikely to help."""
    most = 20 * len(first)
    seen = SeenDifferences.of(first)
    if way == "before":
        needed = queries_needed(seen.deviation, MARGIN, alpha, sides=1) or most
        return min(max(needed - len(first), 1), most)
    return more_queries_for(0.8, seen, MARGIN, alpha, most) or most


@pytest.mark.long
@pytest.mark.parametrize("factor", [1, 4])
@pytest.mark.parametrize("n", [50, 200])
def test_the_printed_chance_of_passing_is_true(n: int, factor: int, report_promise: Report) -> None:
    """Over true means of any size: where about p is printed, about p pass. *Before*: no true change is assumed."""
    rng = np.random.default_rng(7 * n + factor)
    printed: list[float] = []
    naive: list[float] = []
    passed: list[bool] = []
    while len(passed) < RESAMPLES:
        mean = rng.uniform(-0.1, 0.08)
        first = rng.normal(mean, DEVIATION, n)
        if decide_drop(first, MARGIN, ALPHA)[0] != "CANNOT TELL":
            continue
        more = factor * n
        printed.append(chance_of_passing(SeenDifferences.of(first), more, MARGIN, ALPHA))
        naive.append(0.8)
        added = np.append(first, rng.normal(mean, DEVIATION, more))
        passed.append(decide_drop(added, MARGIN, ALPHA)[0] == "PASS")
    chances, outcomes = np.array(printed), np.array(passed)
    off = 0.0
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        chosen = (chances >= low) & (chances < high)
        if chosen.sum() < 50:
            continue
        rate = float(outcomes[chosen].mean())
        gap = abs(rate - float(chances[chosen].mean()))
        off = max(off, gap)
        assert gap <= errors(0.5, int(chosen.sum())) * 1.5
    claim = "printed chance of a PASS minus its frequency: about 0"
    before = float(np.mean(naive) - outcomes.mean())
    now = float(abs(chances.mean() - outcomes.mean()))
    report_promise(Promise(f"n = {n}, {factor * n} added", claim, before, now, RESAMPLES))
    assert now <= errors(0.5, RESAMPLES)


@pytest.mark.long
@pytest.mark.parametrize("n", [50, 200])
def test_the_worst_number_of_added_queries_does_not_raise_the_error(n: int, report_promise: Report) -> None:
    """Adding, after the first look, the number that is most likely to pass errs no more than promised.

    *Before*: each look has half of alpha, which is enough only for a number that is fixed beforehand.
    """
    rng = np.random.default_rng(n)
    passed = {"half": 0, "now": 0}
    for _ in range(4 * RESAMPLES):
        first = differences(rng, "normal", -MARGIN, n)
        reserve = differences(rng, "normal", -MARGIN, 20 * n)
        for way, alpha in (("half", ALPHA / 2), ("now", level_of_two_looks(ALPHA))):
            status, _ = decide_drop(first, MARGIN, alpha)
            if status == "CANNOT TELL":
                z = (first.mean() + MARGIN) / (first.std(ddof=1) / np.sqrt(n))
                critical = stats.norm.isf(alpha)
                ratio = (critical / z) ** 2 - 1 if z > critical / 4.6 else 20.0
                more = int(np.clip(ratio * n, 1, 20 * n))
                status, _ = decide_drop(np.append(first, reserve[:more]), MARGIN, alpha)
            passed[way] += status == "PASS"
    half, now = (passed[way] / (4 * RESAMPLES) for way in ("half", "now"))
    claim = "a loss of the margin passes in one of two looks, worst number of queries: at most .05"
    report_promise(Promise(f"normal, first n = {n}", claim, half, now, 4 * RESAMPLES))
    assert now <= ALPHA + errors(ALPHA, 4 * RESAMPLES)
