"""Calibration errors of several sets of predictions, compared with the same draws one at a time."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.tuning.calibration_error import BINS, Predictions, bins_of, calibration_errors

DRAWS = 499


def predictions(seed: int, pairs: int, queries: int) -> Predictions:
    """Return predictions of some queries, with ties among the probabilities."""
    rng = np.random.default_rng(seed)
    stated = np.round(rng.random(pairs) ** 3, 2)
    query = np.sort(np.append(rng.integers(0, queries, pairs - 1), queries - 1))
    return Predictions(stated, rng.random(pairs) < stated**1.2, query)


def one_at_a_time(one: Predictions, seed: int) -> tuple[float, float, float, float]:
    """Return value, bounds and expected value, with every draw written out."""
    stated, pairs, place = one.probabilities, len(one), bins_of(one.probabilities)
    rng = np.random.default_rng(seed)

    def error(residuals: np.ndarray) -> float:
        return sum(abs(residuals[place == number].sum()) for number in range(BINS)) / pairs

    residuals = stated - one.relevant
    drawn = [error(stated - (rng.random(pairs) < stated)) for _ in range(DRAWS)]
    around_zero = [
        error(residuals * signs[one.query]) for signs in rng.choice((-1.0, 1.0), (DRAWS, one.queries))
    ]
    means = np.array([residuals[place == place[row]].mean() for row in range(pairs)])
    signed = [
        error((residuals - means) * signs[one.query])
        for signs in rng.choice((-1.0, 1.0), (DRAWS, one.queries))
    ]
    value = error(residuals)
    chance, zero, around = (
        float(np.quantile(n, 0.975, method="higher")) for n in (drawn, around_zero, signed)
    )
    half = max(chance, around)
    lower = 0.0 if value <= max(half, zero) else value - half
    return value, lower, min(value + half, 1.0), float(np.mean(drawn))


def test_sets_of_predictions_get_the_draws_that_they_get_alone() -> None:
    """Sets of the same number of pairs or queries share draws; the figures of each are those of a plain loop."""
    several = [
        predictions(1, 200, 20),
        predictions(2, 200, 30),
        predictions(3, 150, 20),
        predictions(4, 200, 20),
    ]
    for one, found in zip(several, calibration_errors(several, seed=7), strict=True):
        assert (found.value, found.lower, found.upper, found.expected) == pytest.approx(
            one_at_a_time(one, 7), abs=1e-12
        )


def test_there_may_be_no_predictions() -> None:
    """No set of predictions gives no error."""
    assert calibration_errors([]) == []
