"""Calibration: fit functions from scores to probabilities, and measure how well probabilities are calibrated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import bounded_interval, query_weights
from evalkit.tuning.calibration_error import BINS, CalibrationError, Predictions, calibration_errors

ISOTONIC_PAIRS, ISOTONIC_POSITIVES = 1000, 100
"""An isotonic function needs at least this many pairs and relevant pairs: with fewer it overfits."""
CLIP = 1e-12
"""Probabilities are clipped to this and 1 minus this: the log-odds of 0 and 1 are infinite."""
_RESAMPLES = 499


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """An increasing function from scores to probabilities.

    Attributes
    ----------
    kind
        ``platt``: ``1 / (1 + exp(-(a x + b)))``; ``isotonic``: linear interpolation between points.
    log_odds
        Whether x is the log-odds of the score, for scores that already are probabilities.
    parameters
        ``a`` and ``b`` of ``platt``, or the points' coordinates ``x`` and ``y`` of ``isotonic``.
    """

    kind: Literal["platt", "isotonic"]
    log_odds: bool
    parameters: dict[str, Any]

    @property
    def is_function(self) -> bool:
        """Whether the parameters are those of the kind: files may hold others."""
        try:
            if self.kind == "platt":
                return all(math.isfinite(self.parameters[name]) for name in ("a", "b"))
            x, y = (np.array(self.parameters[name], dtype=np.float64) for name in ("x", "y"))
        except (KeyError, TypeError, ValueError):
            return False
        points = x.ndim == 1 and len(x) > 0 and x.shape == y.shape and np.isfinite(x).all()
        return bool(points and (np.diff(x) >= 0).all() and (y >= 0).all() and (y <= 1).all())

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``(n,)`` probabilities."""
        x = log_odds(scores) if self.log_odds else scores
        if self.kind == "platt":
            return sigmoid(self.parameters["a"] * x + self.parameters["b"])
        return np.asarray(np.interp(x, self.parameters["x"], self.parameters["y"]))


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``1 / (1 + exp(-x))`` in float64."""
    from scipy.special import expit

    return np.asarray(expit(x))


def log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``log(p / (1 - p))``, with probabilities clipped away from 0 and 1."""
    p = np.clip(probabilities, CLIP, 1 - CLIP)
    return np.asarray(np.log(p) - np.log1p(-p))


def fit_platt(scores: NDArray[np.float64], relevant: NDArray[np.bool_], *, probability: bool) -> Calibration:
    """Fit a logistic function by maximum likelihood, with Platt's smoothed targets.

    References
    ----------
    Platt, "Probabilistic outputs for support vector machines", 1999.
    """
    from scipy.optimize import minimize

    x = log_odds(scores) if probability else scores
    centre, spread = float(x.mean()), float(x.std())
    scale = spread if spread > 1e-12 * abs(centre) else 1.0  # equal scores have a spread of rounding
    z = (x - centre) / scale
    positives = int(relevant.sum())
    targets = np.where(relevant, (positives + 1) / (positives + 2), 1 / (len(relevant) - positives + 2))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value = weights[0] * z + weights[1]
        error = sigmoid(value) - targets
        return float((np.logaddexp(0, value) - targets * value).mean()), np.array(
            [(error * z).mean(), error.mean()]
        )

    def curvature(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        likely = sigmoid(weights[0] * z + weights[1])
        each = likely * (1 - likely)
        across = float((each * z).mean())
        return np.array([[float((each * z * z).mean()), across], [across, float(each.mean())]])

    # A line search warns of rounding near the optimum, and scipy cannot silence it in threads.
    start, options = np.array([1.0, 0.0]), {"gtol": 1e-10}
    a, b = minimize(loss, start, jac=True, hess=curvature, method="trust-exact", options=options).x
    return Calibration("platt", probability, {"a": float(a / scale), "b": float(b - a * centre / scale)})


def fit_isotonic(
    scores: NDArray[np.float64], relevant: NDArray[np.bool_], *, probability: bool
) -> Calibration | None:
    """Fit the increasing function with the least squared error; return None with too few pairs.

    See `ISOTONIC_PAIRS` and `ISOTONIC_POSITIVES`.
    """
    from scipy.optimize import isotonic_regression

    if len(scores) < ISOTONIC_PAIRS or relevant.sum() < ISOTONIC_POSITIVES:
        return None
    x = log_odds(scores) if probability else scores
    values, place = np.unique(x, return_inverse=True)
    weights = np.bincount(place).astype(np.float64)
    fitted = isotonic_regression(np.bincount(place, relevant) / weights, weights=weights).x
    # Keep only the two ends of every step.
    ends = np.flatnonzero(np.diff(fitted) != 0)
    kept = np.unique(np.concatenate(([0], ends, ends + 1, [len(values) - 1])))
    return Calibration("isotonic", probability, {"x": values[kept].tolist(), "y": fitted[kept].tolist()})


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value with the bounds of its interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of predicted probabilities of relevance.

    Attributes
    ----------
    brier
        Brier score: mean squared difference of probability and relevance.
    log_loss
        Mean negative log-likelihood, natural logarithm.
    ece
        Expected calibration error: mean absolute difference of predicted and observed share over equal-count
        bins. Pairs with equal probabilities are in one bin.
    bins
        For each bin: number of pairs, mean probability, share of relevant pairs.
    ece_expected
        Mean of `ece` if every pair were relevant with exactly its stated probability; None in older results.
    ece_debiased
        `ece` minus `ece_expected`, never below 0; None in older results.
    bin_bounds
        Bounds of the share of relevant pairs of each bin; empty in older results.
    """

    brier: Bounded
    log_loss: Bounded
    ece: Bounded
    bins: tuple[tuple[int, float, float], ...]
    ece_expected: float | None = None
    ece_debiased: float | None = None
    bin_bounds: tuple[tuple[float, float], ...] = ()


def judge_probabilities(
    probabilities: NDArray[np.float64],
    relevant: NDArray[np.bool_],
    query: NDArray[np.int64],
    confidence: float = 0.95,
    seed: int = 0,
) -> Quality:
    """Return the quality of one set of predictions; see `judge_predictions` and `Predictions`."""
    return judge_predictions([Predictions(probabilities, relevant, query)], confidence, seed)[0]


def judge_predictions(
    several: Sequence[Predictions], confidence: float = 0.95, seed: int = 0
) -> list[Quality]:
    """Return the quality of each set of predictions, measured against judgments.

    Parameters
    ----------
    several
        Sets of predictions. The bootstrap resamples their queries, so the pairs of one stay together. Each set gets the
        draws that it would get alone.
    confidence, seed
        Confidence level and seed of the bootstrap. The interval of the ECE is that of `calibration_errors`.
    """
    errors = calibration_errors(several, confidence, seed)
    sums = [_QuerySums.of(one) for one in several]
    drawn = _bootstrap(sums, seed)
    return [_quality(*row, confidence) for row in zip(several, sums, drawn, errors, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class _QuerySums:
    """The sums over the pairs of each query, ``(q,)`` each: of a bootstrap sample all measures are sums of these."""

    pairs: NDArray[np.float64]
    squared_errors: NDArray[np.float64]
    log_losses: NDArray[np.float64]

    @classmethod
    def of(cls, one: Predictions) -> _QuerySums:
        hit, queries = one.relevant.astype(np.float64), one.queries
        clipped = np.clip(one.probabilities, CLIP, 1 - CLIP)
        logarithms = hit * np.log(clipped) + (1 - hit) * np.log1p(-clipped)
        return cls(
            np.bincount(one.query, minlength=queries).astype(np.float64),
            np.asarray(np.bincount(one.query, (one.probabilities - hit) ** 2, queries), dtype=np.float64),
            np.asarray(np.bincount(one.query, -logarithms, queries), dtype=np.float64),
        )

    def measures(self, weight: NDArray[np.float64]) -> tuple[float, float]:
        """Return Brier score and log loss of queries that occur `weight` times."""
        total = float(weight @ self.pairs)
        return float(weight @ self.squared_errors) / total, float(weight @ self.log_losses) / total


def _bootstrap(several: Sequence[_QuerySums], seed: int) -> list[NDArray[np.float64]]:
    """Return ``(resamples, 2)`` measures of each; those with as many queries share the samples."""
    found = np.empty((len(several), _RESAMPLES, 2))
    for queries in {len(one.pairs) for one in several}:
        numbers = [number for number, one in enumerate(several) if len(one.pairs) == queries]
        for draw, weight in enumerate(query_weights(queries, _RESAMPLES, seed)):
            for number in numbers:
                found[number, draw] = several[number].measures(weight)
    return list(found)


def _quality(
    one: Predictions,
    sums: _QuerySums,
    drawn: NDArray[np.float64],
    error: CalibrationError,
    confidence: float,
) -> Quality:
    hit = one.relevant.astype(np.float64)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    brier, log_loss = (
        Bounded(value, float(a), float(b))
        for value, a, b in zip(sums.measures(np.ones(len(sums.pairs))), low, high, strict=True)
    )
    # Sums within queries first, as of a bootstrap sample: the rounding is that of earlier versions.
    cell, queries = one.query * BINS + one.place, one.queries
    counts = [
        np.ones(queries) @ np.bincount(cell, values, queries * BINS).reshape(queries, BINS)
        for values in (np.ones(len(hit)), one.probabilities, hit)
    ]
    bins = tuple((round(n), s / n, o / n) for n, s, o in zip(*(c.tolist() for c in counts), strict=True) if n)
    ece = Bounded(error.value, error.lower, error.upper)
    bounds = _bin_bounds(hit, one.place, one.query, confidence)
    return Quality(brier, log_loss, ece, bins, error.expected, error.debiased, bounds)


def _bin_bounds(
    hit: NDArray[np.float64], place: NDArray[np.int64], query: NDArray[np.int64], confidence: float
) -> tuple[tuple[float, float], ...]:
    """Return the bounds of the mean of each bin that is not empty; pairs of one query may be dependent."""
    found = []
    for number in np.unique(place):
        inside = place == number
        interval = bounded_interval(hit[inside], confidence, query[inside])
        found.append((interval.lower or 0.0, 1.0 if interval.upper is None else interval.upper))
    return tuple(found)
