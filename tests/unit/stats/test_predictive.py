"""The predictive probability of a pass against a full simulation of what it integrates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evalkit.stats import SeenDifferences, chance_of_passing, more_queries_for

DRAWS = 100_000


@pytest.mark.parametrize(
    ("mean", "n", "more"), [(-0.002, 40, 60), (-0.002, 40, 600), (-0.0158, 96, 469), (0.002, 100, 5)]
)
def test_the_integral_is_that_of_a_simulation(mean: float, n: int, more: int) -> None:
    """Mean and deviation drawn given what was seen, then the added queries, then the test over all of them."""
    rng = np.random.default_rng(0)
    sd, margin = 0.09, 0.01
    true_sd = sd * np.sqrt((n - 1) / rng.chisquare(n - 1, DRAWS))
    added = rng.normal(rng.normal(mean, true_sd / np.sqrt(n)), true_sd / np.sqrt(more))
    total = n + more
    squares = (n - 1) * sd**2 + true_sd**2 * rng.chisquare(more - 1, DRAWS)
    squares += n * more / total * (added - mean) ** 2
    half = stats.t.ppf(0.95, total - 1) * np.sqrt(squares / (total - 1) / total)
    passed = float(((n * mean + more * added) / total - half > -margin).mean())
    assert chance_of_passing(SeenDifferences(mean, sd, n), more, margin, 0.05) == pytest.approx(
        passed, abs=0.01
    )


def test_what_is_not_reached_has_no_number() -> None:
    """A chance above what the most queries give is None."""
    seen = SeenDifferences(-0.0158, 0.095, 96)
    assert more_queries_for(0.5, seen, 0.01, 0.05, 2000) is None
    assert more_queries_for(0.5, SeenDifferences(0.004, 0.095, 96), 0.01, 0.05, 2000) is not None
