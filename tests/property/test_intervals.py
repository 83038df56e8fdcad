"""Laws of intervals."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import (
    difference_mean_interval,
    mean_interval,
    paired_interval,
    quantile_interval,
    sample_size_for_quantile,
)

samples = st.lists(st.floats(-100, 100), min_size=2, max_size=60).map(np.array)


@given(values=samples)
def test_the_mean_interval_is_students(values: np.ndarray) -> None:
    """The interval of a mean is scipy's one-sample t interval."""
    ours = mean_interval(values, 0.95)
    theirs = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(0.95) if np.ptp(values) else None
    assert ours.estimate == pytest.approx(values.mean())
    if theirs is not None:
        assert (ours.lower, ours.upper) == pytest.approx((theirs.low, theirs.high), rel=1e-6, abs=1e-9)


@given(pairs=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=20).map(np.array))
def test_no_bound_of_a_difference_is_outside_what_it_can_be(pairs: np.ndarray) -> None:
    """Differences of values from 0 to 1 have bounds from -1 to 1, inside Student's, and the same mean."""
    found = paired_interval(pairs[:, 0], pairs[:, 1])
    assert found.lower is not None
    assert found.upper is not None
    assert -1 <= found.lower <= found.upper <= 1
    students = mean_interval(pairs[:, 1] - pairs[:, 0])
    cut = difference_mean_interval(pairs[:, 0], pairs[:, 1])
    assert (cut.lower, cut.upper) == (max(students.lower or 0.0, -1.0), min(students.upper or 0.0, 1.0))
    counts = np.array([2.0, 2.0, 3.0])
    assert paired_interval(counts, counts[::-1]) == mean_interval(counts[::-1] - counts)


def test_small_samples_have_no_interval() -> None:
    """No observation has no mean; one observation has no interval."""
    assert mean_interval(np.array([])).estimate is None
    alone = mean_interval(np.array([0.5]))
    assert (alone.estimate, alone.lower, alone.upper, alone.n) == (0.5, None, None, 1)


@pytest.mark.parametrize(("p", "n"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368), (0.999, 3688)])
def test_a_quantile_needs_enough_observations(p: float, n: int) -> None:
    """The interval exists from exactly the published sample size, and without it there is no estimate."""
    assert sample_size_for_quantile(p) == n
    rng = np.random.default_rng(1)
    too_few = quantile_interval(rng.exponential(size=n - 1), p)
    assert (too_few.estimate, too_few.lower, too_few.upper) == (None, None, None)
    enough = quantile_interval(rng.exponential(size=n), p)
    assert enough.lower is not None
    assert enough.upper is not None
    assert enough.lower <= enough.estimate <= enough.upper  # type: ignore[operator]


@given(values=st.lists(st.floats(0, 10), min_size=6, max_size=50).map(np.array))
def test_bounds_of_a_quantile_are_observations(values: np.ndarray) -> None:
    """Order statistics bound a quantile: both bounds are values that were measured."""
    interval = quantile_interval(values, 0.5)
    assert interval.lower in values
    assert interval.upper in values


def test_the_median_interval_covers_as_promised() -> None:
    """Over 400 samples of 40, the 95 % interval of the median covers the true median at least 92 % of the time."""
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(400):
        interval = quantile_interval(rng.lognormal(size=40), 0.5)
        assert interval.lower is not None
        assert interval.upper is not None
        covered += interval.lower <= 1.0 <= interval.upper
    assert covered / 400 >= 0.92
