"""Intervals of several means that all hold at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evalkit.stats import simultaneous_quantile


def equal(size: int, correlation: float) -> np.ndarray:
    """Return a covariance matrix with one correlation, and unequal variances."""
    scale = np.arange(1, size + 1) / 10
    return (np.full((size, size), correlation) + np.eye(size) * (1 - correlation)) * np.outer(scale, scale)


@pytest.mark.parametrize(("size", "degrees", "table"), [(2, 20, 2.38), (3, 20, 2.54), (5, 60, 2.58)])
def test_quantiles_of_dunnetts_table(size: int, degrees: float, table: float) -> None:
    """Dunnett's two-sided 5 % points, for contenders compared with one baseline: correlation .5."""
    assert simultaneous_quantile(equal(size, 0.5), degrees) == pytest.approx(table, abs=0.012)


def test_the_quantile_is_between_that_of_one_and_that_of_independent_means() -> None:
    """One mean, or copies of it, have Student's quantile; independent ones nearly that of Šidák."""
    alone = stats.t.ppf(0.975, 40)
    assert simultaneous_quantile(equal(1, 0.0), 40) == pytest.approx(alone)
    assert simultaneous_quantile(np.ones((4, 4)), 40) == pytest.approx(alone, rel=1e-3)
    sidak = stats.t.ppf(0.5 + 0.95 ** (1 / 6) / 2, 1000)
    assert simultaneous_quantile(equal(6, 0.0), 1000) == pytest.approx(sidak, abs=0.01)
    assert simultaneous_quantile(equal(6, 0.0), 1000) <= sidak + 1e-12


def test_a_mean_without_a_variance_does_not_count() -> None:
    """Identical systems need no interval."""
    covariance = np.zeros((4, 4))
    covariance[:3, :3] = equal(3, 0.5)
    assert simultaneous_quantile(covariance, 30) == simultaneous_quantile(equal(3, 0.5), 30)
    assert simultaneous_quantile(np.zeros((2, 2)), 30) == pytest.approx(stats.t.ppf(0.975, 30))
