"""Scores to probabilities: how far they may be taken for such, and functions that make them such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import query_weights

BINS = 15
"""Bins of equal mass in a reliability diagram and in the expected calibration error."""
ISOTONIC_PAIRS, ISOTONIC_POSITIVES = 1000, 100
"""Fewer pairs, or relevant ones among them, carry no isotonic function: it has as many steps as it likes."""
_EDGE = 1e-12
_RESAMPLES = 499


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """An increasing function from scores to probabilities.

    Attributes
    ----------
    kind
        ``platt``: ``1 / (1 + exp(-(a x + b)))``; ``isotonic``: straight lines between points.
    log_odds
        Whether x is the logarithm of the score's odds: of scores that are probabilities already.
    parameters
        ``a`` and ``b``, or ``x`` and ``y``.
    """

    kind: str
    log_odds: bool
    parameters: dict[str, Any]

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
    """Return ``log(p / (1 - p))``, probabilities kept off 0 and 1."""
    p = np.clip(probabilities, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(p) - np.log1p(-p))


def fit_platt(scores: NDArray[np.float64], relevant: NDArray[np.bool_], *, probability: bool) -> Calibration:
    """Fit a logistic function by maximum likelihood, with Platt's targets off 0 and 1.

    References
    ----------
    Platt, "Probabilistic outputs for support vector machines", 1999.
    """
    from scipy.optimize import minimize

    x = log_odds(scores) if probability else scores
    centre, scale = float(x.mean()), float(x.std()) or 1.0
    z = (x - centre) / scale
    positives = int(relevant.sum())
    targets = np.where(relevant, (positives + 1) / (positives + 2), 1 / (len(relevant) - positives + 2))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value = weights[0] * z + weights[1]
        error = sigmoid(value) - targets
        return float((np.logaddexp(0, value) - targets * value).mean()), np.array(
            [(error * z).mean(), error.mean()]
        )

    a, b = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS", options={"gtol": 1e-10}).x
    return Calibration("platt", probability, {"a": float(a / scale), "b": float(b - a * centre / scale)})


def fit_isotonic(
    scores: NDArray[np.float64], relevant: NDArray[np.bool_], *, probability: bool
) -> Calibration | None:
    """Fit the increasing function with the least squared error; None where there is too little to fit."""
    from scipy.optimize import isotonic_regression

    if len(scores) < ISOTONIC_PAIRS or relevant.sum() < ISOTONIC_POSITIVES:
        return None
    x = log_odds(scores) if probability else scores
    values, place = np.unique(x, return_inverse=True)
    weights = np.bincount(place).astype(np.float64)
    fitted = isotonic_regression(np.bincount(place, relevant) / weights, weights=weights).x
    # The two ends of every step are enough to draw it.
    ends = np.flatnonzero(np.diff(fitted) != 0)
    kept = np.unique(np.concatenate(([0], ends, ends + 1, [len(values) - 1])))
    return Calibration("isotonic", probability, {"x": values[kept].tolist(), "y": fitted[kept].tolist()})


@dataclass(frozen=True, slots=True)
class Bounded:
    """A figure with the bounds of a bootstrap over queries."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How good probabilities are.

    Attributes
    ----------
    brier
        Mean squared distance to what was judged.
    log_loss
        Mean surprise, natural logarithm.
    ece
        Expected calibration error: mean distance of stated and observed share over bins of equal mass.
    bins
        For each of them: pairs, mean probability, share that is relevant.
    """

    brier: Bounded
    log_loss: Bounded
    ece: Bounded
    bins: tuple[tuple[int, float, float], ...]


def judge_probabilities(
    probabilities: NDArray[np.float64],
    relevant: NDArray[np.bool_],
    query: NDArray[np.int64],
    confidence: float = 0.95,
    seed: int = 0,
) -> Quality:
    """Hold probabilities against judgments.

    Parameters
    ----------
    probabilities, relevant
        ``(n,)`` one row for each pair.
    query
        ``(n,)`` number of its query, from 0: pairs of one query are drawn together.
    confidence, seed
        Of the bootstrap.
    """
    hit = relevant.astype(np.float64)
    clipped = np.clip(probabilities, _EDGE, 1 - _EDGE)
    queries = int(query.max()) + 1
    place = _bins_of(probabilities)
    # Everything is a sum over queries, so a sample of queries is a weighted sum of these.
    cell = query * BINS + place
    mass, stated, seen = (
        np.bincount(cell, values, queries * BINS).reshape(queries, BINS)
        for values in (np.ones(len(hit)), probabilities, hit)
    )
    squares = np.bincount(query, (probabilities - hit) ** 2, queries)
    surprise = np.bincount(query, -(hit * np.log(clipped) + (1 - hit) * np.log1p(-clipped)), queries)

    def figures(weight: NDArray[np.float64]) -> tuple[float, float, float]:
        total = float((weight @ mass).sum())
        return (
            float(weight @ squares) / total,
            float(weight @ surprise) / total,
            float(np.abs(weight @ stated - weight @ seen).sum()) / total,
        )

    drawn = np.array([figures(weight) for weight in query_weights(queries, _RESAMPLES, seed)])
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    whole = np.ones(queries)
    # Resampling makes an expected calibration error larger: its bounds are made to hold what they bound.
    told = [
        Bounded(value, min(float(a), value), max(float(b), value))
        for value, a, b in zip(figures(whole), low, high, strict=True)
    ]
    counts = (whole @ mass, whole @ stated, whole @ seen)
    bins = tuple((round(n), s / n, o / n) for n, s, o in zip(*(c.tolist() for c in counts), strict=True) if n)
    return Quality(told[0], told[1], told[2], bins)


def _bins_of(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return ``(n,)`` the bin of each pair, all bins of equal mass, from the lowest probability up."""
    place = np.empty(len(probabilities), dtype=np.int64)
    place[np.argsort(probabilities, kind="stable")] = (
        np.arange(len(probabilities)) * BINS // len(probabilities)
    )
    return place
