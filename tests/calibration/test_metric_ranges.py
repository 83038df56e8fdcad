"""Whether intervals and rules of pMRR, which is between -1 and 1, hold as often as they say, and its unknown values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from support.promises import Promise
from support.worlds import DRAWS, centred_differences

from evalkit.comparison import ComparisonSet, Plan, System, compare
from evalkit.comparison.families import joint_confidence
from evalkit.comparison.gate_verdicts import judge_minimum
from evalkit.metrics import parse_metric
from evalkit.records import MetricValues, Qrels, Run
from evalkit.stats import Interval, bounded_interval, difference_mean_interval, sign_flip

pytestmark = pytest.mark.long

Report = Callable[[Promise], None]
Values = NDArray[np.float64]
CHANGES = parse_metric("pMRR").limits
SETS = 4 * DRAWS


def changes(rng: np.random.Generator, n: int, moved: float) -> Values:
    """Return values of a reranker that ignores instructions: most are 0, a share falls to -1."""
    return np.where(rng.random(n) < moved, -1.0, 0.0)


@pytest.mark.parametrize(("moved", "n"), [(0.02, 40), (0.02, 100), (0.05, 40)])
def test_intervals_of_changes_contain_the_truth(report_promise: Report, moved: float, n: int) -> None:
    """Almost all pairs keep their ranks: Student's interval has no width, or too little."""
    rng = np.random.default_rng(51)
    hits = np.zeros(2)
    for _ in range(SETS):
        values = changes(rng, n, moved)
        found = bounded_interval(values), bounded_interval(values, limits=CHANGES)
        hits += [contains(one, -moved) for one in found]
    before, now = hits / SETS
    where = f"pMRR, {moved:.0%} of the pairs at -1, n = {n} pairs"
    report_promise(Promise(where, "interval contains the truth: at least .94", before, now, SETS))
    assert now >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / SETS)


def contains(found: Interval, truth: float) -> bool:
    """Return whether an interval has a value."""
    assert found.lower is not None
    assert found.upper is not None
    return found.lower - 1e-12 <= truth <= found.upper + 1e-12


@pytest.mark.parametrize(("moved", "n"), [(0.04, 40), (0.02, 100)])
def test_a_minimum_of_changes_is_seldom_passed_below_it(report_promise: Report, moved: float, n: int) -> None:
    """The mean is just below the minimum, by pairs that fall to -1 and are rare: PASS at most as often as alpha."""
    rng, alpha, least = np.random.default_rng(52), 0.05, -moved + 0.002
    passes = np.zeros(2)
    for _ in range(SETS):
        values = changes(rng, n, moved) + rng.normal(0, 1e-3, n) * (rng.random(n) < 0.1)
        values = np.clip(values, -1, 1)
        found = (
            judge_minimum(values, "pMRR", least, alpha),
            judge_minimum(values, "pMRR", least, alpha, limits=CHANGES),
        )
        passes += [one.status == "PASS" for one in found]
    before, now = passes / SETS
    report_promise(
        Promise(f"pMRR min, {moved:.0%} at -1, n = {n}", "false PASS: at most .05", before, now, SETS)
    )
    assert now <= alpha + 2 * np.sqrt(alpha * (1 - alpha) / SETS)


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_unknown_changes_count_as_minus_1(report_promise: Report, share: float) -> None:
    """Nothing differs, and the contender has no value where it follows no instruction: seldom *better*."""
    rng, n = np.random.default_rng(53), 100
    lost, wrong = round(share * n), 0
    naive = 0
    for _ in range(DRAWS):
        baseline = np.clip(rng.normal(0.1, 0.2, n), -1, 1)
        contender = np.clip(baseline + rng.normal(0, 0.1, n), -1, 1)
        contender[:lost] = -1.0
        contender[lost:] += (baseline.mean() - contender.mean()) * n / (n - lost)
        contender[:lost] = np.nan
        naive += _better_filled(baseline, contender, 0.0)
        wrong += _verdict(baseline, contender) == "better"
    where = f"pMRR, n = {n} pairs, unknown on the {share:.0%} at -1"
    report_promise(Promise(where, "false better: at most .05", naive / DRAWS, wrong / DRAWS, DRAWS))
    assert naive > 0, "the world does not contain the fault"
    assert wrong / DRAWS <= 0.05


def _better_filled(baseline: Values, contender: Values, fill: float) -> bool:
    """Return whether the contender is better with a value in place of its unknown ones."""
    differences = np.where(np.isnan(contender), fill, contender) - baseline
    return bool(differences.mean() > 0 and float(sign_flip(differences[:, None], 999).p[0]) <= 0.05)


def _verdict(baseline: Values, contender: Values) -> str:
    ids = tuple(f"q{number}-changed" for number in range(len(baseline)))
    systems = {
        name: System(
            name, Run.from_rows(name, [], [], []), MetricValues(name, ("pMRR",), ids, column[:, None])
        )
        for name, column in (("a", baseline), ("b", contender))
    }
    (one,) = compare(ComparisonSet("d", Qrels({}), systems), Plan("a", "pMRR", resamples=999))
    return one.verdict


@pytest.mark.parametrize("rerankers", [1, 3])
def test_the_rule_of_passages_that_looks_best_is_seldom_shown_to_be(
    report_promise: Report, rerankers: int
) -> None:
    """No rule differs from the configured one: at most 5 % of the tables have an interval without 0."""
    rng, world, n = np.random.default_rng(54), centred_differences(), 100
    level, found = joint_confidence(0.95, 2 * rerankers), np.zeros(2)
    for _ in range(SETS):
        rows = [world[rng.integers(0, len(world), n)] for _ in range(2 * rerankers)]
        for place, confidence in enumerate((0.95, level)):
            bounds = [difference_mean_interval(np.zeros(n), row, confidence) for row in rows]
            found[place] += any(not contains(one, 0.0) for one in bounds)
    before, now = found / SETS
    where = f"demo, n = {n}, {rerankers} rerankers, 3 rules"
    report_promise(Promise(where, "false difference in a table: at most .05", before, now, SETS))
    assert now <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / SETS)
