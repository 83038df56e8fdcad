"""Ranges of what the power of a test gives: the deviation is itself an estimate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evalkit.stats import (
    chance_of_detecting,
    detectable_range,
    deviation_range,
    minimum_detectable_effect,
    queries_needed,
    queries_needed_range,
)


def test_the_range_of_a_deviation_is_the_chi_square_interval() -> None:
    """It covers the true deviation of normal samples as often as it says."""
    low, high = deviation_range(0.1, 50)
    assert low == pytest.approx(0.1 * np.sqrt(49 / stats.chi2.ppf(0.975, 49)))
    assert high == pytest.approx(0.1 * np.sqrt(49 / stats.chi2.ppf(0.025, 49)))
    drawn = np.random.default_rng(1).normal(size=(4000, 50)).std(axis=1, ddof=1)
    held = np.mean([low <= 1 <= high for low, high in (deviation_range(s, 50) for s in drawn)])
    assert held == pytest.approx(0.95, abs=0.01)


def test_ranges_hold_their_estimates() -> None:
    """Fewest and most queries follow from both ends of the deviation, and so does what is detectable."""
    fewest, most = queries_needed_range(0.1, 96, 0.01, sides=1)
    needed = queries_needed(0.1, 0.01, sides=1)
    assert fewest is not None
    assert most is not None
    assert needed is not None
    assert fewest < needed < most
    low, high = deviation_range(0.1, 96)
    assert (fewest, most) == (queries_needed(low, 0.01, sides=1), queries_needed(high, 0.01, sides=1))
    assert detectable_range(0.1, 96) == pytest.approx(
        [minimum_detectable_effect(low, 96), minimum_detectable_effect(high, 96)]
    )
    assert queries_needed_range(0.1, 96, 0.0) == (None, None)
    assert (detectable_range(0.1, 1), detectable_range(0.0, 9)) == (None, (0.0, 0.0))


def test_the_chance_of_detecting_is_the_power() -> None:
    """80 % at the minimum detectable difference; unknown without a deviation."""
    effect = minimum_detectable_effect(0.1, 96, sides=1)
    assert effect is not None
    assert chance_of_detecting(effect, 0.1, 96, sides=1) == pytest.approx(0.8)
    assert chance_of_detecting(0.0, 0.1, 96, sides=1) == pytest.approx(0.05)
    assert chance_of_detecting(9.0, 0.1, 96) == 1.0
    assert chance_of_detecting(0.1, 0.0, 96) is None
    assert chance_of_detecting(0.1, 0.1, 1) is None


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("effect", [0.02, 0.1, 0.3, 0.5, 1.0, 2.0, 5.0])
def test_the_number_of_queries_is_the_first_that_is_enough(effect: float, sides: int) -> None:
    """One query fewer has less power than asked for, however far from the first guess the number is."""
    for power in (0.1, 0.5, 0.8, 0.99):
        needed = queries_needed(1.0, effect, sides=sides, power=power)
        assert needed is not None
        chances = [chance_of_detecting(effect, 1.0, n, sides=sides) for n in (needed, needed - 1) if n >= 2]
        assert chances[0] is not None
        assert chances[0] >= power
        assert all(chance is not None and chance < power for chance in chances[1:])


def test_no_number_of_queries_detects_a_tiny_difference() -> None:
    """The search ends above 10^9 queries."""
    assert queries_needed(1.0, 1e-6) is None
