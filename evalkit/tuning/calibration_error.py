"""Expected calibration error: its value, what perfect calibration would give, and an interval that can contain 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Equal-count bins of the reliability diagram and of the expected calibration error."""
_DRAWS = 499


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """An expected calibration error (ECE).

    Attributes
    ----------
    value
        Mean absolute difference of predicted and observed share over the bins. It is above 0 even under perfect
        calibration, as observed shares vary by chance.
    lower, upper
        Bounds of the true error.
    expected
        Mean of `value` if every pair were relevant with exactly its stated probability.
    """

    value: float
    lower: float
    upper: float
    expected: float

    @property
    def debiased(self) -> float:
        """The value minus what is expected under perfect calibration; never below 0."""
        return max(self.value - self.expected, 0.0)


def bins_of(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return ``(n,)`` the bin of each pair, of about equal counts; bin 0 holds the lowest probabilities.

    Pairs with the same probability are in the same bin, so the order of the rows does not matter and bins may be
    empty.
    """
    _, value, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    last_row = np.cumsum(counts) - 1
    return np.asarray((last_row * BINS // len(probabilities))[value], dtype=np.int64)


def calibration_error(
    probabilities: NDArray[np.float64],
    relevant: NDArray[np.bool_],
    query: NDArray[np.int64],
    confidence: float = 0.95,
    seed: int = 0,
) -> CalibrationError:
    """Return the expected calibration error with its interval.

    Parameters
    ----------
    probabilities, relevant
        ``(n,)`` one row per query-document pair.
    query
        ``(n,)`` number of the query, or of the cluster of queries, from 0. Pairs of one number may be dependent.
    confidence, seed
        Confidence level, and seed of the simulations.

    Notes
    -----
    The observed shares of the bins are the true ones plus noise, so value and true error differ by at most the sum of
    the absolute noise (triangle inequality). Its quantile at ``(1 + confidence) / 2`` is the half width: random signs
    alone are a little too short where observed shares are skewed. The noise is simulated in
    two ways, of which the larger quantile counts: relevance is drawn from the stated probabilities, and the residuals
    of whole queries get random signs (wild bootstrap), which keeps the dependence within a query. The interval excludes
    0 only if the value is also above the quantile for residuals around 0, those of perfect calibration. Its coverage is
    above `confidence` where calibration is poor.

    References
    ----------
    Bröcker and Smith, "Increasing the reliability of reliability diagrams", Weather and Forecasting 22 (2007): labels
    drawn from the stated probabilities. Roelofs et al., "Mitigating bias in calibration error estimation", AISTATS
    2022: the bias of equal-count bins. Cameron, Gelbach, Miller, "Bootstrap-based improvements for inference with
    clustered errors", Review of Economics and Statistics 90 (2008): random signs of clusters.
    """
    place, pairs = bins_of(probabilities), len(probabilities)
    value = float(np.abs(np.bincount(place, probabilities - relevant, BINS)).sum()) / pairs
    rng = np.random.default_rng(seed)
    residuals = probabilities - relevant
    drawn = _drawn_labels(probabilities, place, rng) / pairs
    calibrated = _signed(residuals, place, query, rng) / pairs
    means = np.bincount(place, residuals, BINS) / np.maximum(np.bincount(place, minlength=BINS), 1)
    signed = _signed(residuals - means[place], place, query, rng) / pairs
    chance, around_zero, around_value = (
        float(np.quantile(noise, 0.5 + confidence / 2, method="higher"))
        for noise in (drawn, calibrated, signed)
    )
    half = max(chance, around_value)
    lower = 0.0 if value <= max(half, around_zero) else value - half
    return CalibrationError(value, lower, min(value + half, 1.0), float(drawn.mean()))


def _drawn_labels(
    probabilities: NDArray[np.float64], place: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return ``(draws,)`` sums of absolute bin errors for labels that follow the stated probabilities."""
    return np.array(
        [
            np.abs(np.bincount(place, probabilities - (rng.random(len(place)) < probabilities), BINS)).sum()
            for _ in range(_DRAWS)
        ]
    )


def _signed(
    residuals: NDArray[np.float64],
    place: NDArray[np.int64],
    query: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return ``(draws,)`` sums of absolute bin errors for residuals with a random sign per query."""
    queries = int(query.max()) + 1
    sums = np.bincount(query * BINS + place, residuals, queries * BINS).reshape(queries, BINS)
    signs = rng.choice((-1.0, 1.0), (_DRAWS, queries))
    return np.asarray(np.abs(signs @ sums).sum(axis=1))
