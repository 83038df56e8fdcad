"""Evidence that a mean has fallen, valid at every moment of a growing series of observations."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_VARIANCES = (0.1, 1.0, 10.0, 100.0)
"""Prior variances of the effect, in standard deviations of one observation; their evidence is averaged."""
_ROUNDING = 1e-9
"""Slack of the margin: means of metric values carry rounding errors, which are not evidence."""
_LARGEST_LOG = 700.0
"""Above this logarithm a number is infinite."""


@dataclass(frozen=True, slots=True)
class FallEvidence:
    """Evidence that the mean of a series has fallen.

    Attributes
    ----------
    e_value
        An alarm at ``1 / alpha`` or more is false in at most `alpha` of all series, however long they get.
    since
        Index of the observation from which on the evidence is strongest.
    """

    e_value: float
    since: int


def fall_evidence(observations: NDArray[np.float64], margin: float) -> FallEvidence:
    """Return the evidence that a mean is below ``-margin``, from some observation on.

    The null hypothesis is that the observations are independent and normal with a common variance and a mean of
    ``-margin`` or more. For every first observation k the likelihood ratio of the t statistic against a mean of
    ``-margin`` is a test martingale; its weight is ``1 / (k (k + 1))``, so that a fall is found soon after it begins,
    and the error over all k adds up to alpha (union bound). The smaller one of this evidence and the evidence with one
    more observation of 0 counts: a few equal observations prove nothing.

    Parameters
    ----------
    observations
        ``(t,)`` in the order of time, t at least 1.
    margin
        Largest acceptable loss.

    References
    ----------
    Lai 1976 and Wang and Ramdas 2025 (anytime-valid t tests); Pérez-Ortiz et al. 2024 (one-sided hypotheses).
    """
    excess = -margin - _ROUNDING - observations
    first = np.arange(1, len(excess) + 1)
    plain = _log_evidence(excess, np.empty(0))
    # Equal observations have no spread, and seldom ones of another size may not have been seen yet.
    found = np.minimum(plain, _log_evidence(excess, np.array([-margin]))) - np.log(first * (first + 1))
    since = int(np.argmax(found))
    return FallEvidence(math.exp(min(float(found[since]), _LARGEST_LOG)), since)


def _log_evidence(excess: NDArray[np.float64], added: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(t,)`` logarithms of the evidence from every first observation on, with the same observations added."""
    count = np.arange(len(excess), 0, -1) + len(added)
    mean = (excess[::-1].cumsum()[::-1] + added.sum()) / count
    of_mean = count * mean**2
    squares = np.maximum((excess**2)[::-1].cumsum()[::-1] + (added**2).sum() - of_mean, 0.0)
    return np.where(mean > 0, _log_ratios(squares, of_mean, count), -np.inf)


def _log_ratios(
    squares: NDArray[np.float64], of_mean: NDArray[np.float64], count: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the logarithms of averaged likelihood ratios of a mean that is not 0 against a mean of 0.

    A normal prior on the effect gives a closed form for both signs together. Where the sample mean is positive, it is
    at most the ratio for positive effects alone, which is a test martingale for every mean of 0 or less.

    Parameters
    ----------
    squares, of_mean
        ``(t,)`` sums of squares around the mean, and of the mean.
    count
        ``(t,)`` numbers of observations.
    """
    spread = 1 + count * np.array(_VARIANCES)[:, None]
    total = squares + of_mean
    with np.errstate(divide="ignore", invalid="ignore"):  # no observation differs from 0: the caller drops it
        logs = count / 2 * np.log(total / (squares + of_mean / spread)) - np.log(spread) / 2
    ratios: NDArray[np.float64] = np.logaddexp.reduce(logs, axis=0) - math.log(len(_VARIANCES))
    return ratios
