"""Bounds of percentiles and shares from the differences between rounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalkit.latency import Blocks, calls_per_group, consecutive_parts
from evalkit.latency.round_effects import OPEN_PARTS, group_rounds, quantile_bounds, share_bounds

ROUNDS = Blocks(np.arange(60) % 6)


def test_the_bounds_of_a_median_are_those_of_student() -> None:
    """With one call in each round: t with 5 degrees of freedom, and the deviation of the logs from the median's."""
    logs = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
    found = quantile_bounds(np.exp(logs), Blocks(np.arange(6)), 0.5, 0.025)
    assert found is not None
    centre = float(np.log(np.median(np.exp(logs))))
    half = stats.t.ppf(0.975, 5) * np.sqrt(((logs - centre) ** 2).sum() / 5) / np.sqrt(6)
    assert np.log(found) == pytest.approx((centre - half, centre + half))


def test_rounds_without_noise_have_the_bounds_of_a_tolerance_limit() -> None:
    """If calls of a round are equal, p95 of all calls is that of normal rounds: the factor is the noncentral t's."""
    logs = np.array([-1.2, -0.8, -0.2, 0.1, 0.4, 1.7])
    found = quantile_bounds(np.exp(np.repeat(logs, 10)), Blocks(np.repeat(np.arange(6), 10)), 0.95, 0.05)
    assert found is not None
    centre = float(np.log(np.quantile(np.exp(np.repeat(logs, 10)), 0.95)))
    deviation = np.sqrt(((logs - centre) ** 2).sum() / 5)
    z = stats.norm.ppf(0.95)
    factor = stats.nct.ppf(0.95, 5, z * np.sqrt(6)) / np.sqrt(6)
    assert np.log(found[1]) == pytest.approx(centre + (factor - z) * deviation)


@given(
    st.lists(st.floats(0.001, 10), min_size=60, max_size=60),
    st.floats(0.01, 100),
    st.sampled_from([0.5, 0.9, 0.95]),
)
def test_bounds_follow_the_unit_of_time(seconds: list[float], factor: float, p: float) -> None:
    """In another unit all bounds are the same times; they contain the estimate."""
    values = np.array(seconds)
    found = quantile_bounds(values, ROUNDS, p, 0.05)
    scaled = quantile_bounds(values * factor, ROUNDS, p, 0.05)
    assert found is not None
    assert scaled is not None
    assert scaled == pytest.approx([one * factor for one in found], rel=1e-6)
    estimate = float(np.quantile(values, p))
    assert found[0] <= estimate * (1 + 1e-9)
    assert found[1] >= estimate * (1 - 1e-9)


def test_equal_rounds_have_bounds_without_width() -> None:
    """There is nothing to see between rounds: calls alone decide."""
    assert quantile_bounds(np.full(60, 0.2), ROUNDS, 0.95, 0.05) == pytest.approx((0.2, 0.2))
    assert share_bounds(ROUNDS.number < 0, ROUNDS, 0.05) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("rounds", "calls", "p", "groups"),
    [(6, 1, 0.5, 6), (6, 20, 0.95, 6), (10, 12, 0.95, 10), (10, 7, 0.95, 5), (11, 7, 0.95, 5), (6, 5, 0.95, 3),
     (6, 4, 0.95, 2), (6, 1, 0.95, 1), (10, 40, 0.99, 5)],
)  # fmt: skip
def test_rounds_are_grouped_until_each_has_enough_calls(
    rounds: int, calls: int, p: float, groups: int
) -> None:
    """Groups are whole consecutive rounds with enough calls; a rest joins the last group."""
    numbers = np.repeat(np.arange(rounds), calls)
    found = group_rounds(numbers, p)
    assert list(np.unique(found)) == list(range(groups))
    assert (np.diff(found) >= 0).all()
    assert len({(number, group) for number, group in zip(numbers, found, strict=True)}) == rounds
    if rounds * calls >= calls_per_group(p):
        assert np.bincount(found).min() >= calls_per_group(p)
    bounds = quantile_bounds(np.linspace(1, 2, rounds * calls), Blocks(numbers), p, 0.05)
    assert (bounds is None) == (groups < 4)


def test_quantiles_need_calls_beyond_them() -> None:
    """A median can be estimated from one call, p90 from 5, p95 from 10, p99 from 50."""
    assert [calls_per_group(p) for p in (0.5, 0.9, 0.95, 0.99, 0.05)] == [1, 5, 10, 50, 10]


@given(st.integers(0, 200))
def test_parts_of_a_schedule_are_consecutive_and_equal(calls: int) -> None:
    """An open loop is cut into parts whose sizes differ by at most one call."""
    parts = consecutive_parts(calls).number
    assert (np.diff(parts) >= 0).all()
    assert len(np.unique(parts)) == min(calls, OPEN_PARTS)
    if calls:
        sizes = np.bincount(parts)
        assert sizes.max() - sizes.min() <= 1


@given(st.lists(st.booleans(), min_size=60, max_size=60))
def test_bounds_of_a_share_are_students_over_equal_rounds(hits: list[bool]) -> None:
    """With as many calls in each round they are those of the mean of the rounds' shares, within 0 and 1."""
    late = np.array(hits)
    shares = np.array([late[number == ROUNDS.number].mean() for number in range(6)])
    half = stats.t.ppf(0.95, 5) * shares.std(ddof=1) / np.sqrt(6)
    expected = max(shares.mean() - half, 0), min(shares.mean() + half, 1)
    assert share_bounds(late, ROUNDS, 0.05) == pytest.approx(expected)
    assert share_bounds(late, Blocks(ROUNDS.number % 3), 0.05) is None
