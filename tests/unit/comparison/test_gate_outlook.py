"""What more queries would show: a chance, a range, or that they are unlikely to help."""

from __future__ import annotations

import re

import numpy as np
import pytest

from evalkit.comparison.gate_outlook import outlook
from evalkit.stats import SeenDifferences, chance_of_passing


def differences(mean: float, deviation: float = 0.0958, n: int = 96) -> np.ndarray:
    """Return differences with exactly this mean and deviation."""
    rows = np.random.default_rng(3).normal(size=n)
    return mean + deviation * (rows - rows.mean()) / rows.std(ddof=1)


def test_a_mean_below_the_margin_is_not_helped() -> None:
    """No number of queries is recommended; the chance with twenty times as many is given."""
    assert outlook(differences(-0.0158), 0.01, 0.05) == (
        "More queries are unlikely to help: with 1920 more queries the probability of a PASS is 17%"
    )


def test_a_good_mean_has_a_range_of_queries() -> None:
    """From a chance of 50 % to one of 80 %, each of them the fewest queries with that chance."""
    rows = differences(0.004)
    found = re.fullmatch(
        r"A PASS requires (\d+) to (\d+) more queries \(power 50% to 80%\)", outlook(rows, 0.01, 0.05)
    )
    assert found
    seen = SeenDifferences.of(rows)
    for more, chance in zip(map(int, found.groups()), (0.5, 0.8), strict=True):
        assert chance_of_passing(seen, more, 0.01, 0.05) >= chance
        assert chance_of_passing(seen, more - 1, 0.01, 0.05) < chance


def test_between_the_two_only_the_lower_end_is_known() -> None:
    """80 % is not reached, so the chance with twenty times as many is given instead."""
    text = outlook(differences(-0.003), 0.01, 0.05)
    assert re.fullmatch(
        r"A PASS requires at least \d+ more queries \(power 50%\);"
        r" with 1920 more queries the probability of a PASS is \d\d%",
        text,
    )


@pytest.mark.parametrize("mean", [-0.02, -0.01, 0.0, 0.004])
def test_chances_rise_with_the_queries(mean: float) -> None:
    """And never pass the probability that the loss is within the margin, given what was seen."""
    seen = SeenDifferences.of(differences(mean))
    chances = [chance_of_passing(seen, more, 0.01, 0.05) for more in (10, 50, 200, 1000, 10_000, 10**6)]
    assert chances == sorted(chances)
