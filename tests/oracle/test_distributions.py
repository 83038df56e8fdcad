"""Tails, quantiles, ranks and roots against scipy.stats and scipy.optimize, which commands do not import."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import optimize, stats

from evalkit.stats.distributions import (
    binomial_at_most,
    binomial_bounds,
    noncentral_t_above,
    noncentral_t_below,
    share_limits,
)
from evalkit.stats.ranks import (
    average_ranks,
    chance_of_correlation,
    largest_gap,
    rank_correlation,
    share_of_pairs_above,
)
from evalkit.stats.roots import root

SIZES = (1, 2, 3, 10, 40, 225, 7000, 10**6)
SHARES = (1e-7, 0.001, 0.06, 0.5, 0.91, 0.9985, 1 - 1e-7)
TAILS = (1e-9, 0.005, 0.025, 0.05, 0.1)


@pytest.mark.parametrize("n", SIZES)
def test_binomial_tails_are_scipy_s(n: int) -> None:
    """For all counts or many of them, the first and the last included."""
    counts = np.unique(np.linspace(0, n, 200).round())
    for share in SHARES:
        expected = stats.binom.cdf(counts, n, share)
        assert binomial_at_most(counts, n, share) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("n", SIZES)
def test_bounds_of_counts_are_scipy_s(n: int) -> None:
    """Both quantiles of the binomial distribution, as whole numbers."""
    for share in SHARES:
        for tail in TAILS:
            expected = (stats.binom.ppf(tail, n, share), stats.binom.isf(tail, n, share))
            assert binomial_bounds(n, share, tail) == expected, (share, tail)


@pytest.mark.parametrize("n", SIZES)
def test_limits_of_shares_are_scipy_s(n: int) -> None:
    """The exact interval of a share; scipy.stats searches it to 2e-12."""
    for count in {0, 1, n // 3, n // 2, n - 1, n}:
        for tail in TAILS[1:]:
            bounds = stats.binomtest(count, n).proportion_ci(1 - 2 * tail, method="exact")
            assert share_limits(count, n, tail) == pytest.approx((bounds.low, bounds.high), abs=4e-12)


@pytest.mark.parametrize("degrees", [1, 2, 9, 224, 6999, 10**6])
def test_noncentral_t_tails_are_scipy_s(degrees: int) -> None:
    """Both tails for all shifts of a power analysis; where scipy.stats has no value, a large shift is certain."""
    for level in (0.95, 0.975, 0.9999):
        critical = float(stats.t.ppf(level, degrees))
        for shift in (1e-9, 0.1, 1.0, 2.8, 8.0, 30.0, 100.0):
            above = float(stats.nct.sf(critical, degrees, shift))
            found = noncentral_t_above(critical, degrees, shift)
            assert found == pytest.approx(1.0 if math.isnan(above) else above, rel=1e-9), (level, shift)
            below = float(stats.nct.cdf(-critical, degrees, shift))
            assert noncentral_t_below(-critical, degrees, shift) == pytest.approx(
                below, rel=1e-9, nan_ok=True
            )


@pytest.mark.parametrize("seed", range(20))
def test_statistics_of_ranks_are_scipy_s(seed: int) -> None:
    """With and without ties, for samples of different sizes."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 60))
    first, second = rng.normal(size=n), rng.normal(size=n)
    if seed % 2:
        first, second = first.round(), second.round() + np.arange(n) % 3
    assert average_ranks(first).tolist() == stats.rankdata(first).tolist()
    expected = stats.spearmanr(first, second)
    correlation = rank_correlation(first, second)
    assert correlation == pytest.approx(expected.statistic, abs=1e-15)
    assert chance_of_correlation(correlation, n) == pytest.approx(expected.pvalue, rel=1e-9)
    fewer = second[: n // 2 + 1]
    pairs = stats.mannwhitneyu(first, fewer).statistic / (n * len(fewer))
    assert share_of_pairs_above(first, fewer) == pytest.approx(pairs, abs=1e-15)
    assert largest_gap(first, fewer) == stats.ks_2samp(first, fewer, method="asymp").statistic


def test_a_perfect_order_is_no_chance() -> None:
    """Correlations of 1 and -1, rounded or not; two pairs have no p-value."""
    steps = np.arange(5.0)
    assert chance_of_correlation(1.0, 5) == chance_of_correlation(-1.0, 5) == 0.0
    assert chance_of_correlation(rank_correlation(steps, -steps), 5) < 1e-12
    assert math.isnan(chance_of_correlation(1.0, 2))


FUNCTIONS: tuple[Callable[[float], float], ...] = (
    lambda x: math.tanh(x) - 0.3,
    lambda x: x**3 - 2,
    lambda x: math.exp(min(x, 300.0)) - 1.5,
    lambda x: x - 1 / 3,
    lambda x: -1.0 if x < 0.1 else 1.0,
)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_roots_are_scipy_s_to_the_last_bit(function: Callable[[float], float]) -> None:
    """For brackets of all widths, a root at an end included; no change of sign is an error."""
    for low, high in ((0.0, 1.0), (-1.0, 8.0), (-1e6, 1e9), (1 / 3, 5.0), (-3.0, 1.26)):
        if function(low) * function(high) > 0:
            with pytest.raises(ValueError, match="same sign"):
                root(function, low, high)
        else:
            assert root(function, low, high) == optimize.brentq(function, low, high)
