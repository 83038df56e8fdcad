"""Bounds of skewed means: Johnson's correction, and that it never narrows Student's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from evalkit.stats import allow_for_skewness, one_sided_bounds, skewness_shift

VALUES = arrays(np.float64, st.integers(3, 40), elements=st.floats(-1, 1, width=32))


@given(values=VALUES, alpha=st.floats(0.001, 0.3))
def test_the_shift_is_that_of_the_formula(values: np.ndarray, alpha: float) -> None:
    """``g1 (1 + 2 t**2) s / (6 n)`` with scipy's skewness, up to the divisor of the variance."""
    if values.std() < 1e-6:
        return
    n, t = len(values), stats.t.ppf(1 - alpha, len(values) - 1)
    third = ((values - values.mean()) ** 3).mean()
    expected = third * (1 + 2 * t**2) / (6 * n * values.var(ddof=1))
    assert skewness_shift(values, alpha) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(values=VALUES, alpha=st.floats(0.001, 0.3), copies=st.integers(2, 4))
def test_bounds_are_only_widened_and_copies_count_once(values: np.ndarray, alpha: float, copies: int) -> None:
    """A cluster of copies is one observation; opposite values have the opposite shift."""
    bounds = one_sided_bounds(values, 0.0, alpha)
    wider = allow_for_skewness(bounds, values, alpha)
    assert wider.lower <= bounds.lower
    assert wider.upper >= bounds.upper
    clusters = np.repeat(np.arange(len(values)), copies)
    shift = skewness_shift(values, alpha)
    assert skewness_shift(np.repeat(values, copies), alpha, clusters) == pytest.approx(
        shift, rel=1e-6, abs=1e-12
    )
    assert skewness_shift(-values, alpha) == pytest.approx(-shift, rel=1e-6, abs=1e-12)


def test_without_a_spread_nothing_is_shifted() -> None:
    """Equal values have no skewness."""
    assert skewness_shift(np.full(30, 0.1), 0.05) == pytest.approx(0, abs=1e-12)
