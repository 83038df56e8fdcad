"""Cluster-robust errors, binomial intervals, Tango's score and small p-values against other computations."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats

from evalkit.stats import bounded_interval, mean_error, paired_share_interval, sign_flip
from evalkit.stats.tail_probability import tail_probability


def test_the_cluster_robust_error_is_that_of_statsmodels() -> None:
    """With clusters of one size, CR2 of a mean is statsmodels' cluster-robust error with its correction."""
    statsmodels = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(1)
    index = np.repeat(np.arange(15), 4)
    values = rng.normal(size=15)[index] + rng.normal(size=60)
    fitted = statsmodels.OLS(values, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": index})
    found = mean_error(values, index)
    assert found.error == pytest.approx(float(fitted.bse[0]), rel=1e-9)
    assert (found.degrees, found.clusters) == (pytest.approx(14), 15)


def test_unequal_clusters_have_an_unbiased_variance() -> None:
    """Over many independent samples the squared error is, on average, the variance of the mean."""
    rng = np.random.default_rng(2)
    index = np.repeat(np.arange(6), [1, 1, 2, 3, 5, 8])
    samples = rng.normal(size=(4000, len(index)))
    squared = np.mean([mean_error(row, index).error ** 2 for row in samples])
    assert squared == pytest.approx(1 / len(index), rel=0.05)


@pytest.mark.parametrize(("hits", "n"), [(0, 30), (29, 30), (7, 12), (30, 30)])
def test_values_of_0_and_1_have_the_exact_interval(hits: int, n: int) -> None:
    """Clopper and Pearson's, as scipy computes it."""
    values = np.array([1.0] * hits + [0.0] * (n - hits))
    found = bounded_interval(values)
    wanted = stats.binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert (found.lower, found.upper) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


@pytest.mark.parametrize(("up", "down", "n"), [(9, 3, 40), (5, 0, 30), (0, 0, 25), (1, 12, 60)])
def test_the_bounds_of_paired_shares_solve_the_score_equation(up: int, down: int, n: int) -> None:
    """At each bound the score statistic, with the constrained likelihood maximised numerically, is the quantile."""
    differences = np.array([1.0] * up + [-1.0] * down + [0.0] * (n - up - down))
    found = paired_share_interval(differences)
    z = stats.norm.ppf(0.975)
    for bound, sign in ((found.lower, 1), (found.upper, -1)):
        assert bound is not None
        assert (up - down - n * bound) / np.sqrt(n * _variance(up, down, n, bound)) == pytest.approx(
            sign * z, rel=1e-3
        )


def _variance(up: int, down: int, n: int, delta: float) -> float:
    """Return the variance of one difference at the most likely shares whose difference is delta."""

    def loss(share: float) -> float:
        plus, minus = share + delta, share
        rest = 1 - plus - minus
        counts, shares = np.array([up, down, n - up - down]), np.array([plus, minus, rest])
        if (shares < 0).any():
            return 1e9
        return -float((counts * np.log(np.maximum(shares, 1e-300)))[counts > 0].sum())

    low, high = max(0.0, -delta), (1 - delta) / 2
    share = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return float(2 * share + delta - delta**2)


def exact_p(differences: NDArray[np.float64]) -> float:
    """Return the two-sided p-value over all sign vectors."""
    sums = np.zeros(1)
    for value in differences:
        sums = np.concatenate([sums + value, sums - value])
    return float((np.abs(sums) >= abs(differences.sum()) * (1 - 1e-12)).mean())


@pytest.mark.parametrize(
    "sizes",
    [
        np.random.default_rng(1).uniform(0.1, 1, 20),
        np.random.default_rng(2).integers(1, 5, 20) / 10,
        np.append(np.random.default_rng(3).uniform(0.1, 1, 19), 8.0),
        np.ones(20),
    ],
    ids=["continuous", "tenths", "one large", "0 and 1"],
)
def test_small_p_values_agree_with_enumeration(sizes: NDArray[np.float64]) -> None:
    """Importance sampling finds the p-value of all 2**20 sign vectors to a few percent."""
    differences = sizes * np.where(np.arange(20) == 4, -1, 1)
    found = [tail_probability(differences, np.random.default_rng(seed)) for seed in range(20)]
    assert np.mean(found) == pytest.approx(exact_p(differences), rel=0.05)


def test_a_strict_level_is_resolved() -> None:
    """For a family of 528 comparisons, 9,999 sign vectors cannot show what the tail shows."""
    differences = np.random.default_rng(4).normal(1.0, 1.0, (54, 1))
    coarse, fine = sign_flip(differences), sign_flip(differences, level=0.05 / 528)
    assert coarse.p[0] * 528 > 0.05
    assert fine.p[0] * 528 < 0.05
    assert fine.p[0] <= coarse.p[0]


def test_the_tail_where_only_the_observed_signs_reach_the_sum() -> None:
    """All differences have one sign: the p-value is that of two sign vectors."""
    assert tail_probability(np.full(40, 0.1), np.random.default_rng(0)) == 2.0**-39
