"""Expected calibration error: its value, what perfect calibration would give, and an interval that can contain 0."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Equal-count bins of the reliability diagram and of the expected calibration error."""
_DRAWS = 499
_NUMBERS = 2**17
"""Random numbers in memory at once: as many as fit in the cache of a processor."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Stated probabilities of relevance, with the judgments.

    Attributes
    ----------
    probabilities, relevant
        ``(n,)`` one row per query-document pair.
    query
        ``(n,)`` number of the query, or of the cluster of queries, from 0. Pairs of one number may be dependent.
    place
        ``(n,)`` the bin of each pair; see `bins_of`.
    """

    probabilities: NDArray[np.float64]
    relevant: NDArray[np.bool_]
    query: NDArray[np.int64]
    place: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", bins_of(self.probabilities))

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.probabilities)

    @property
    def queries(self) -> int:
        """Number of queries, or of clusters."""
        return int(self.query.max()) + 1


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
    """Return the expected calibration error of one set of predictions; see `calibration_errors` and `Predictions`."""
    return calibration_errors([Predictions(probabilities, relevant, query)], confidence, seed)[0]


def calibration_errors(
    several: Sequence[Predictions], confidence: float = 0.95, seed: int = 0
) -> list[CalibrationError]:
    """Return the expected calibration error of each set of predictions, with its interval.

    Parameters
    ----------
    several
        Sets of predictions. Each gets the draws that it would get alone: they are drawn once for all sets.
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
    noise = _simulated_noise(several, seed)
    return [_with_interval(one, of_one, confidence) for one, of_one in zip(several, noise, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class _Noise:
    """Simulated sums of absolute bin errors, ``(draws,)`` each.

    Attributes
    ----------
    drawn
        For labels that follow the stated probabilities.
    calibrated, signed
        For residuals with random signs: around 0, and around their mean in each bin.
    """

    drawn: NDArray[np.float64]
    calibrated: NDArray[np.float64]
    signed: NDArray[np.float64]


def _with_interval(one: Predictions, noise: _Noise, confidence: float) -> CalibrationError:
    pairs, residuals = len(one), one.probabilities - one.relevant
    value = float(np.abs(np.bincount(one.place, residuals, BINS)).sum()) / pairs
    chance, around_zero, around_value = (
        float(np.quantile(sums / pairs, 0.5 + confidence / 2, method="higher"))
        for sums in (noise.drawn, noise.calibrated, noise.signed)
    )
    half = max(chance, around_value)
    lower = 0.0 if value <= max(half, around_zero) else value - half
    return CalibrationError(value, lower, min(value + half, 1.0), float((noise.drawn / pairs).mean()))


def _simulated_noise(several: Sequence[Predictions], seed: int) -> list[_Noise]:
    """Return the noise of each set of predictions."""
    drawn = _drawn_labels(several, seed)
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, one in enumerate(several):
        alike[len(one), one.queries].append(number)
    found: dict[int, _Noise] = {}
    for (pairs, queries), numbers in alike.items():
        rng = _generator(seed, after=_DRAWS * pairs)  # the signs follow the labels
        members = [several[number] for number in numbers]
        residuals = [one.probabilities - one.relevant for one in members]
        around_mean = [
            values - _bin_means(one, values)[one.place]
            for one, values in zip(members, residuals, strict=True)
        ]
        calibrated, signed = (_signed(members, values, queries, rng) for values in (residuals, around_mean))
        found |= {
            number: _Noise(drawn[number], *noise)
            for number, *noise in zip(numbers, calibrated, signed, strict=True)
        }
    return [found[number] for number in range(len(several))]


def _generator(seed: int, after: int = 0) -> np.random.Generator:
    """Return NumPy's default generator after some random numbers between 0 and 1."""
    bits = np.random.PCG64(seed)
    bits.advance(after)
    return np.random.Generator(bits)


def _bin_means(one: Predictions, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(bins,)`` means of ``(n,)`` values; 0 for an empty bin."""
    counts = np.bincount(one.place, minlength=BINS)
    return np.asarray(np.bincount(one.place, values, BINS) / np.maximum(counts, 1))


def _drawn_labels(several: Sequence[Predictions], seed: int) -> list[NDArray[np.float64]]:
    """Return ``(draws,)`` sums of absolute bin errors for labels that follow the stated probabilities, for each set.

    Each draw of a set takes as many random numbers as the set has pairs, in turn: draws of all sets are parts of one
    sequence, which is made once.
    """
    alike: dict[int, list[Predictions]] = defaultdict(list)
    for one in several:
        alike[len(one)].append(one)
    counters = {pairs: _LabelCounter(members) for pairs, members in alike.items()}
    rng, total = _generator(seed), _DRAWS * max(counters, default=0)
    for start in range(0, total, _NUMBERS):
        numbers = rng.random(min(_NUMBERS, total - start))
        steps = _steps(numbers)
        for counter in counters.values():
            counter.take(start, numbers, steps)
    sums = {pairs: iter(counter.sums()) for pairs, counter in counters.items()}
    return [next(sums[len(one)]) for one in several]


def _steps(numbers: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Return numbers between 0 and 1 as whole steps, rounded down: four times as many fit in a cache."""
    return (numbers * (2**16 - 1)).astype(np.uint16)


class _LabelCounter:
    """Counts the drawn labels of sets of predictions of as many pairs.

    Most numbers are steps above every stated probability of a pair. The others are collected, and compared with each
    set when they are many.
    """

    def __init__(self, several: Sequence[Predictions]) -> None:
        self._several = several
        self._pairs = len(several[0])
        highest = np.maximum.reduce([one.probabilities for one in several])
        # The pairs of a draw follow those of the one before: as many are repeated as are compared at once.
        self._highest = np.resize(_steps(highest), self._pairs + _NUMBERS)
        self._collected: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        self._size = 0
        self._counts = np.zeros((len(several), _DRAWS * BINS))

    def take(self, start: int, numbers: NDArray[np.float64], steps: NDArray[np.uint16]) -> None:
        """Take at most `_NUMBERS` random numbers, which begin at a place of the sequence, and their steps."""
        first = start % self._pairs
        steps = steps[: max(_DRAWS * self._pairs - start, 0)]  # no draw needs the others
        low = np.flatnonzero(steps <= self._highest[first : first + len(steps)])
        self._collected.append((low + start, numbers[low]))
        self._size += len(low)
        if self._size > _NUMBERS:
            self._count()

    def _count(self) -> None:
        place, uniform = map(np.concatenate, zip(*self._collected, strict=True))
        draw, pair = np.divmod(place, self._pairs)
        for number, one in enumerate(self._several):
            labelled = np.flatnonzero(uniform < one.probabilities[pair])
            cells = draw[labelled] * BINS + one.place[pair[labelled]]
            self._counts[number] += np.bincount(cells, minlength=_DRAWS * BINS)
        self._collected, self._size = [], 0

    def sums(self) -> list[NDArray[np.float64]]:
        """Return the ``(draws,)`` sums of absolute differences from the stated probabilities, for each set."""
        if self._collected:
            self._count()
        stated = [np.bincount(one.place, one.probabilities, BINS) for one in self._several]
        return [
            np.abs(expected - counts.reshape(_DRAWS, BINS)).sum(axis=1)
            for expected, counts in zip(stated, self._counts, strict=True)
        ]


def _signed(
    several: Sequence[Predictions],
    residuals: Sequence[NDArray[np.float64]],
    queries: int,
    rng: np.random.Generator,
) -> list[NDArray[np.float64]]:
    """Return ``(draws,)`` sums of absolute bin errors for residuals with a random sign per query."""
    signs = rng.choice((-1.0, 1.0), (_DRAWS, queries))
    sums = [
        np.bincount(one.query * BINS + one.place, values, queries * BINS).reshape(queries, BINS)
        for one, values in zip(several, residuals, strict=True)
    ]
    return [np.asarray(np.abs(signs @ of_query).sum(axis=1)) for of_query in sums]
