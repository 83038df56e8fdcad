"""Whether *better*, *adopt* and the intervals of a comparison hold as often as they say, with several contenders,
several datasets, and queries that are not independent.

Populations are the real differences of two systems over the bundled queries, with a known true mean; each draw is an
experiment of its own. ``EVALKIT_RESAMPLES`` sets the number of draws.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from support.promises import Promise
from support.worlds import DRAWS, Values, centred_differences, paired, set_of_values

from evalkit.comparison import Plan, compare_all, pool, tied_on_each
from evalkit.comparison.contenders import difference_interval
from evalkit.comparison.families import family_p_values, joint_confidence
from evalkit.report.decision import decide
from evalkit.report.verdict import verdicts
from evalkit.results.comparison_document import Comparisons, DatasetComparisons
from evalkit.stats import mean_interval, minimum_detectable_effect, sign_flip

pytestmark = pytest.mark.long

Report = Callable[[Promise], None]
PLAN = Plan("bm25", "nDCG@10", resamples=999)
ALPHA = PLAN.alpha


@pytest.fixture(scope="module")
def world() -> Values:
    """Return the population: real differences with a mean of 0."""
    return centred_differences()


def slack(rate: float, draws: int = DRAWS) -> float:
    """Return two standard errors of a share of the draws."""
    return 2 * float(np.sqrt(rate * (1 - rate) / draws))


def drawn(world: Values, rng: np.random.Generator, n: int, contenders: int, mean: float = 0.0) -> Values:
    """Return ``(n, k)`` differences of contenders with the same true mean, on the same queries."""
    return np.column_stack(
        [mean + rng.permutation(world)[rng.integers(0, len(world), n)] for _ in range(contenders)]
    )


def covers(bounds: tuple[float | None, float | None], truth: float) -> bool:
    """Return whether an interval contains the true value."""
    lower, upper = bounds
    return lower is not None and upper is not None and lower <= truth <= upper


@pytest.mark.parametrize("contenders", [1, 2, 5, 10])
def test_the_interval_of_the_highest_mean_holds(
    world: Values, report_promise: Report, contenders: int
) -> None:
    """Of equal contenders the highest is chosen: its interval contains the truth in 95 % of all draws."""
    rng, truth, n = np.random.default_rng(contenders), 0.03, 100
    alone, joint, adopted, adopted_holds = 0, 0, 0, 0
    for _ in range(DRAWS):
        columns = drawn(world, rng, n, contenders, truth)
        best = paired(columns[:, int(columns.mean(axis=0).argmax())])
        one = difference_interval(best, PLAN.confidence)
        all_hold = difference_interval(best, joint_confidence(PLAN.confidence, contenders))
        holds = covers((all_hold.lower, all_hold.upper), truth)
        alone += covers((one.lower, one.upper), truth)
        joint += holds
        if (all_hold.lower or 0.0) > 0:
            adopted, adopted_holds = adopted + 1, adopted_holds + holds
    where = f"demo, n = {n}, {contenders} contenders of +.03"
    claim = "interval of the highest mean contains the truth: at least .93"
    report_promise(Promise(where, claim, alone / DRAWS, joint / DRAWS, DRAWS))
    if adopted:
        share = adopted_holds / adopted
        report_promise(Promise(where, "the same, among adopted draws (no promise)", None, share, adopted))
    assert joint / DRAWS >= 0.95 - slack(0.95)


@pytest.mark.parametrize("contenders", [1, 2, 3, 5, 8])
def test_what_is_detectable_is_detected(world: Values, report_promise: Report, contenders: int) -> None:
    """A contender that is truly better by the minimum detectable difference is found in 80 % of the draws."""
    rng, n = np.random.default_rng(contenders), 100
    spread = float(world.std())
    truth = minimum_detectable_effect(spread, n, ALPHA / contenders) or 0.0
    uncorrected = minimum_detectable_effect(spread, n, ALPHA) or 0.0
    found = {"now": 0, "before": 0}
    for _ in range(DRAWS):
        columns = drawn(world, rng, n, contenders)
        for name, mean in (("now", truth), ("before", uncorrected)):
            shifted = columns + np.eye(contenders)[0] * mean
            ((_, adjusted), *_others) = family_p_values([[paired(c) for c in shifted.T]], PLAN)[0]
            found[name] += adjusted <= ALPHA
    where = f"demo, n = {n}, one of {contenders} contenders is better"
    claim = "detectable difference is detected: at least .78"
    report_promise(Promise(where, claim, found["before"] / DRAWS, found["now"] / DRAWS, DRAWS))
    assert found["now"] / DRAWS >= 0.78 - slack(0.78)


@pytest.mark.parametrize("datasets", [5, 10, 15])
def test_equal_systems_are_adopted_on_no_dataset(
    world: Values, report_promise: Report, datasets: int
) -> None:
    """Nothing differs: *better* occurs on any of the datasets in at most one report of twenty."""
    rng, n = np.random.default_rng(datasets), 60
    now = before = 0
    for _ in range(DRAWS):
        groups = [[paired(drawn(world, rng, n, 1)[:, 0])] for _ in range(datasets)]
        tests = family_p_values(groups, PLAN)
        up = [group[0].differences.mean() > 0 for group in groups]
        now += any(rose and row[0][1] <= ALPHA for rose, row in zip(up, tests, strict=True))
        before += any(rose and row[0][0] <= ALPHA for rose, row in zip(up, tests, strict=True))
    where = f"demo, n = {n}, {datasets} datasets, no difference"
    report_promise(
        Promise(where, "false adopt on any dataset: at most .05", before / DRAWS, now / DRAWS, DRAWS)
    )
    assert now / DRAWS <= ALPHA + slack(ALPHA)


def documents(world: Values, rng: np.random.Generator, datasets: int, mean: float) -> Comparisons:
    """Return the comparisons of two contenders that are equally better than the baseline, on several datasets."""
    sets = [
        set_of_values(
            {
                "bm25": np.zeros(100),
                **{name: drawn(world, rng, 100, 1, mean)[:, 0] for name in ("x", "y")},
            },
            f"d{number}",
        )
        for number in range(datasets)
    ]
    compared = compare_all(sets, PLAN)
    entries = tuple(
        DatasetComparisons(one.dataset, 100, {}, tuple(row), ties, (), (), (), {})
        for one, row, ties in zip(sets, compared, tied_on_each(sets, PLAN, compared), strict=True)
    )
    return Comparisons(PLAN, entries, tuple(pool(sets, PLAN, compared)))


@pytest.mark.parametrize("datasets", [2, 3, 5])
def test_equal_winners_agree(world: Values, report_promise: Report, datasets: int) -> None:
    """Two contenders are equally better everywhere: the datasets agree on one of them in nine of ten reports."""
    rng, draws = np.random.default_rng(datasets), max(DRAWS // 4, 50)
    now = before = 0
    for _ in range(draws):
        compared = documents(world, rng, datasets, 0.12)
        found = verdicts(compared)
        now += decide(found, compared).kind == "adopt"
        before += len({(one.kind, one.choice) for one in found}) == 1
    where = f"demo, n = 100, {datasets} datasets, two equal contenders of +.12"
    report_promise(Promise(where, "equal winners agree: at least .90", before / draws, now / draws, draws))
    assert now / draws >= 0.9 - slack(0.9, draws)


def clustered(
    rng: np.random.Generator, world: Values, clusters: int, size: int, rho: float
) -> tuple[Values, NDArray[np.int64]]:
    """Return differences of which a share rho of the variance is common to the queries of a cluster."""
    common, own = (world[rng.integers(0, len(world), shape)] for shape in ((clusters, 1), (clusters, size)))
    return (np.sqrt(rho) * common + np.sqrt(1 - rho) * own).ravel(), np.repeat(np.arange(clusters), size)


@pytest.mark.parametrize("clusters", [20, 40, 100])
def test_related_queries_do_not_make_a_difference(
    world: Values, report_promise: Report, clusters: int
) -> None:
    """Clusters of five queries, correlated at .6, and no difference: both tests err in at most one of twenty."""
    rng = np.random.default_rng(clusters)
    errors = {"plain": 0, "t": 0, "sign flips": 0}
    for _ in range(DRAWS):
        differences, index = clustered(rng, world, clusters, 5, 0.6)
        plain, robust = mean_interval(differences), mean_interval(differences, 0.95, index)
        flips = sign_flip(differences[:, None], 999, clusters=index)
        errors["plain"] += not covers((plain.lower, plain.upper), 0.0)
        errors["t"] += not covers((robust.lower, robust.upper), 0.0)
        errors["sign flips"] += float(flips.p[0]) <= ALPHA
    where = f"demo, {clusters} clusters of 5 queries, correlation .6"
    for test in ("t", "sign flips"):
        claim = f"false difference by cluster-robust {test}: at most .06"
        report_promise(Promise(where, claim, errors["plain"] / DRAWS, errors[test] / DRAWS, DRAWS))
        assert errors[test] / DRAWS <= 0.06 + slack(0.06)


def test_repeated_queries_count_once(world: Values) -> None:
    """The same 54 queries four times over have the interval and the p-value of the 54."""
    once = world[:54] + 0.02
    index = np.tile(np.arange(54), 4)
    alone, repeated = mean_interval(once), mean_interval(np.tile(once, 4), 0.95, index)
    assert (repeated.lower, repeated.upper) == pytest.approx((alone.lower, alone.upper), rel=1e-12)
    flips = sign_flip(np.tile(once, 4)[:, None], 999, clusters=index)
    assert flips.p[0] == sign_flip(once[:, None], 999).p[0]
