"""Bounds of means of values between 0 and 1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalkit.stats import bounded_mean_bounds, level_of_two_looks, one_sided_bounds


@given(n=st.integers(2, 300), k=st.integers(0, 300))
def test_zeros_and_ones_have_exact_bounds(n: int, k: int) -> None:
    """Clopper and Pearson's; never of zero width."""
    k = min(k, n)
    found = bounded_mean_bounds(np.repeat([1.0, 0.0], [k, n - k]))
    assert found.lower == pytest.approx(stats.beta.ppf(0.05, k, n - k + 1) if k else 0.0)
    assert found.upper == pytest.approx(stats.beta.ppf(0.95, k + 1, n - k) if k < n else 1.0)
    assert found.lower < found.upper


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=99))
def test_bounds_are_never_tighter_than_students(values: list[float]) -> None:
    """Within 0 to 1 where they are widened, around the mean, and of some width."""
    rows = np.array([*values, 0.5])
    found, student = bounded_mean_bounds(rows), one_sided_bounds(rows, 0.0)
    assert found.lower <= student.lower or found.lower == 0.0
    assert found.upper >= student.upper or found.upper == 1.0
    assert found.lower <= found.mean <= found.upper
    assert found.lower < found.upper


def test_other_values_keep_students_bounds() -> None:
    """Spread values, and those of a metric that is not between 0 and 1."""
    spread = np.linspace(0, 1, 50)
    counts = np.repeat([3.0, 4.0], [45, 5])
    for values in (spread, counts):
        assert bounded_mean_bounds(values) == one_sided_bounds(values, 0.0)


@pytest.mark.parametrize("alpha", [0.4, 0.05, 0.01, 1e-4])
def test_two_looks_have_alpha_at_the_worst_choice_of_queries(alpha: float) -> None:
    """Integrated over the first look: the second has the size that is most likely to pass, given the first."""
    level = level_of_two_looks(alpha)
    z = stats.norm.isf(level)
    first = np.linspace(-8, z, 400_001)
    # Queries added, as a multiple of the first; the most likely to pass are found by a grid.
    ratios = np.geomspace(1e-4, 1e6, 400)[:, None]
    coarse = first[::1000]
    chance = stats.norm.sf((z * np.sqrt(1 + ratios) - coarse) / np.sqrt(ratios)).max(axis=0)
    joint = level + float(np.trapezoid(stats.norm.pdf(first) * np.interp(first, coarse, chance), first))
    assert joint == pytest.approx(alpha, rel=0.03)
    assert level < alpha
