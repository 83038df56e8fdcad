"""Intervals of means of values between 0 and 1."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalkit.records import ValueRange
from evalkit.stats import (
    Interval,
    bounded_interval,
    difference_mean_interval,
    mean_interval,
    paired_interval,
)

CHANGES = ValueRange(-1, 1)


def bounds_of(found: Interval) -> tuple[float, float]:
    """Return both bounds of an interval that has them."""
    assert found.lower is not None
    assert found.upper is not None
    return found.lower, found.upper


@given(n=st.integers(2, 300), k=st.integers(0, 300))
def test_zeros_and_ones_have_exact_bounds(n: int, k: int) -> None:
    """Clopper and Pearson's; never of zero width."""
    k = min(k, n)
    lower, upper = bounds_of(bounded_interval(np.repeat([1.0, 0.0], [k, n - k]), 0.9))
    assert lower == pytest.approx(stats.beta.ppf(0.05, k, n - k + 1) if k else 0.0)
    assert upper == pytest.approx(stats.beta.ppf(0.95, k + 1, n - k) if k < n else 1.0)
    assert lower < upper


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=99))
def test_bounds_are_never_tighter_than_students(values: list[float]) -> None:
    """Within 0 to 1 where they are widened, around the mean, and of some width."""
    rows = np.array([*values, 0.5])
    found, student = bounds_of(bounded_interval(rows)), bounds_of(mean_interval(rows))
    assert found[0] <= student[0] or found[0] == 0.0
    assert found[1] >= student[1] or found[1] == 1.0
    assert found[0] <= rows.mean() <= found[1]
    assert found[0] < found[1]


def test_other_values_keep_students_bounds() -> None:
    """Spread values, and those of a metric that is not between 0 and 1."""
    spread = np.linspace(0, 1, 50)
    counts = np.repeat([3.0, 4.0], [45, 5])
    for values in (spread, counts):
        assert bounded_interval(values) == mean_interval(values)


@given(st.lists(st.sampled_from([-1.0, -0.3, 0.0, 0.4, 1.0]), min_size=2, max_size=99))
def test_the_interval_of_another_range_is_that_of_shares_moved(values: list[float]) -> None:
    """Values from -1 to 1 have the interval of the same values moved to 0..1, moved back."""
    rows = np.array(values)
    found, moved = (
        bounds_of(bounded_interval(rows, limits=CHANGES)),
        bounds_of(bounded_interval((rows + 1) / 2)),
    )
    assert found == pytest.approx((2 * moved[0] - 1, 2 * moved[1] - 1))
    assert -1 <= found[0] <= rows.mean() + 1e-12
    assert rows.mean() - 1e-12 <= found[1] <= 1
    assert found[0] < found[1]


def test_values_of_0_and_1_are_shares_only_if_these_are_the_ends_of_the_range() -> None:
    """Ten changes of 0 and 1 may have been -1: no binomial and no Tango interval; counts have Student's."""
    first, second = np.array([0.0, 1.0] * 5), np.ones(10)
    student = mean_interval(second - first)
    assert paired_interval(first, second) != student
    assert paired_interval(first, second, limits=CHANGES) == student
    assert bounded_interval(first, limits=ValueRange(0, math.inf)) == mean_interval(first)


def test_the_largest_difference_is_the_width_of_the_range() -> None:
    """Two values from -1 to 1 differ by 2 at most, where those of shares differ by 1."""
    first, second = np.array([-1.0, -1.0, 0.5]), np.array([1.0, 0.9, 0.6])
    assert difference_mean_interval(first, second, 0.99, limits=CHANGES).upper == 2.0
