"""Our tests, bounds and power beside scipy and statsmodels, where they compute the same thing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from evalkit.stats import (
    holm,
    mean_interval,
    minimum_detectable_effect,
    one_sided_bounds,
    quantile_interval,
    queries_needed,
    sign_flip,
)


def differences(n: int, seed: int, shift: float = 0.02) -> NDArray[np.float64]:
    """Return differences as metrics give them: many zeros, the rest skewed."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.4, 0.0, rng.normal(shift, 0.15, n).round(3))


@pytest.mark.parametrize("n", [2, 5, 10, 13])
def test_all_sign_vectors_give_the_exact_p_value(n: int) -> None:
    """Where all of them can be tried, scipy's exact permutation test says the same."""
    columns = np.column_stack([differences(n, seed) for seed in range(4)])
    ours = sign_flip(columns, resamples=2**13)
    assert ours.exact
    for column, p in zip(columns.T, ours.p, strict=True):
        theirs = scipy_stats.permutation_test(
            (column,),
            lambda x, axis: np.mean(x, axis=axis),
            permutation_type="samples",
            n_resamples=np.inf,
            vectorized=True,
        )
        assert p == pytest.approx(theirs.pvalue, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_drawn_sign_vectors_give_the_same_p_value_but_for_the_draw(seed: int) -> None:
    """Within five standard errors of scipy's own draw."""
    column = differences(200, seed)
    ours = float(sign_flip(column[:, None], 9999, seed).p[0])
    theirs = scipy_stats.permutation_test(
        (column,), lambda x, axis: np.mean(x, axis=axis), permutation_type="samples", n_resamples=9999, vectorized=True,
        rng=np.random.default_rng(seed),
    ).pvalue  # fmt: skip
    assert ours == pytest.approx(theirs, abs=5 * np.sqrt(2 * max(theirs * (1 - theirs), 1e-4) / 9999))


@pytest.mark.long
def test_holm_is_statsmodels_holm() -> None:
    """For any number of p-values, ties and ones included."""
    rng = np.random.default_rng(3)
    for size in (1, 2, 5, 40):
        p = np.concatenate([rng.random(size) ** 3, [1.0, 0.01, 0.01]])
        assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-9)


@pytest.mark.parametrize("n", [30, 96, 300])
def test_t_intervals_and_one_sided_tests_are_scipy_s_and_statsmodels(n: int) -> None:
    """Mean, bounds, non-inferiority and equivalence."""
    d = differences(n, n)
    theirs = scipy_stats.ttest_1samp(d, 0).confidence_interval(0.95)
    ours = mean_interval(d)
    assert (ours.lower, ours.upper) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    margin = 0.03
    found = one_sided_bounds(d, margin)
    ninety = scipy_stats.ttest_1samp(d, 0).confidence_interval(0.90)
    assert (found.lower, found.upper) == pytest.approx((ninety.low, ninety.high), abs=1e-9)
    not_worse = scipy_stats.ttest_1samp(d + margin, 0, alternative="greater").pvalue
    assert found.p_not_worse == pytest.approx(not_worse, abs=1e-9)
    tost = ttost_paired(d, np.zeros(n), -margin, margin)[0]
    assert max(found.p_not_worse, found.p_not_better) == pytest.approx(float(tost), abs=1e-9)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize(("n", "deviation"), [(43, 0.15), (300, 0.05), (7000, 0.3)])
def test_power_is_statsmodels(n: int, deviation: float, sides: int) -> None:
    """The effect that is found 80 % of the time, and the queries a difference takes."""
    alternative = "larger" if sides == 1 else "two-sided"
    ours = minimum_detectable_effect(deviation, n, 0.05, sides=sides)
    assert ours is not None

    def power(difference: float, queries: int) -> float:
        return float(TTestPower().power(difference / deviation, queries, 0.05, alternative=alternative))

    assert power(ours, n) == pytest.approx(0.8, abs=1e-9)
    wanted = 0.97 * ours
    needed = queries_needed(deviation, wanted, 0.05, sides=sides)
    assert needed is not None
    assert power(wanted, needed) >= 0.8 > power(wanted, needed - 1)


@pytest.mark.parametrize("p", [0.5, 0.9, 0.95])
def test_quantile_intervals_are_scipy_s(p: float) -> None:
    """Order statistics, chosen as scipy chooses them."""
    values = np.random.default_rng(5).lognormal(size=300)
    theirs = scipy_stats.quantile_test(values, p=p).confidence_interval(0.95)
    ours = quantile_interval(values, p)
    assert (ours.lower, ours.upper) == (theirs.low, theirs.high)
