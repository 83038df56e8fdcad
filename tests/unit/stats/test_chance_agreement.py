"""Kappa and alpha: known values, where they are undefined, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.stats import FEWEST_CLUSTERS, alpha_sums, bootstrap_interval, interval_alpha, kappa

COHEN = np.array([[88.0, 14, 18], [10, 40, 10], [2, 6, 12]])
"""The example of Cohen (1968), table 1, in 200 ths."""
LEVELS = np.arange(3.0)


def test_kappa_of_cohens_example() -> None:
    """Cohen's example has an unweighted kappa of .492."""
    assert kappa(COHEN, LEVELS) == pytest.approx(0.492, abs=5e-4)


def test_weights_are_of_grades_and_not_of_places() -> None:
    """A level without a pair changes nothing, but the distance of two levels does."""
    matrix = np.array([[5.0, 2, 1], [1, 6, 2], [0, 1, 4]])
    apart = np.array([0.0, 1, 5])
    filled = np.zeros((6, 6))
    filled[np.ix_([0, 1, 5], [0, 1, 5])] = matrix
    assert kappa(matrix, apart, "linear") == pytest.approx(kappa(filled, np.arange(6.0), "linear"))
    assert kappa(matrix, apart, "linear") != pytest.approx(kappa(matrix, LEVELS, "linear"))


def test_two_levels_have_one_kappa() -> None:
    """With two levels weights change nothing."""
    matrix = np.array([[7.0, 2], [1, 5]])
    assert kappa(matrix, LEVELS[:2], "linear") == pytest.approx(kappa(matrix, LEVELS[:2]))
    assert kappa(matrix, LEVELS[:2], "quadratic") == pytest.approx(kappa(matrix, LEVELS[:2]))


@pytest.mark.parametrize("matrix", [np.zeros((2, 2)), np.diag([9.0, 0.0])])
def test_kappa_without_disagreement_by_chance_is_undefined(matrix: np.ndarray) -> None:
    """No pair, or one level for both: no number, neither 0 nor 1."""
    assert kappa(matrix, LEVELS[:2]) is None
    assert kappa(matrix, LEVELS[:2], "quadratic") is None


def test_alpha_of_equal_grades_is_undefined_and_of_equal_pairs_is_one() -> None:
    """Without any difference there is no scale; with perfect agreement alpha is 1."""
    same = np.full(5, 0.1)
    assert interval_alpha(alpha_sums(same, same).sum(0)) is None
    assert interval_alpha(alpha_sums(same[:0], same[:0]).sum(0)) is None
    grades = np.array([0.0, 1.5, 3.0])
    assert interval_alpha(alpha_sums(grades, grades).sum(0)) == 1


def test_alpha_of_fractional_grades_uses_them_as_they_are() -> None:
    """Half a grade apart agrees better than a whole one."""
    first = np.array([0.0, 1, 2, 3, 1, 2])
    close, far = (interval_alpha(alpha_sums(first, first + shift).sum(0)) for shift in (0.5, 1.0))
    assert close is not None
    assert far is not None
    assert far < close < 1


def test_interval_needs_queries() -> None:
    """Below the fewest queries there is an estimate and no bounds, and from there on both."""
    sums = np.column_stack([np.ones(FEWEST_CLUSTERS), np.arange(FEWEST_CLUSTERS, dtype=np.float64)])
    few = bootstrap_interval(sums[1:], lambda s: float(s[1] / s[0]))
    assert (few.estimate, few.lower, few.upper, few.n) == (5.0, None, None, FEWEST_CLUSTERS - 1)
    enough = bootstrap_interval(sums, lambda s: float(s[1] / s[0]))
    assert enough.lower is not None
    assert enough.upper is not None
    assert enough.lower < 4.5 < enough.upper
    assert bootstrap_interval(sums[:0], lambda s: float(s[0])).estimate is None


def test_statistic_that_a_sample_does_not_define_has_no_interval() -> None:
    """One query alone makes the statistic possible: samples without it have none, so bounds would be of others."""
    sums = np.zeros((12, 1))
    sums[0] = 1
    found = bootstrap_interval(sums, lambda s: float(s[0]) if s[0] > 0 else None)
    assert (found.estimate, found.lower) == (1.0, None)
