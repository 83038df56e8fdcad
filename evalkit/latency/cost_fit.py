"""Fit the latency of a call as a fixed time plus a time per unit, e.g. per document and per token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.latency.round_effects import MIN_GROUPS

RESAMPLES = 1000
CURVED = 0.15
"""Above this relative distance of a median from the fitted line, the line does not describe the latencies."""
_COLLINEAR = 0.995
"""Above this correlation of two causes, their contributions cannot be separated."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The successful calls of one cell.

    Attributes
    ----------
    latency_s
        ``(n,)`` seconds.
    query_ids
        ``(n,)`` query of each call.
    rounds
        ``(n,)`` round of each call.
    causes
        Name -> ``(n,)`` quantities that the latency may grow with.
    """

    latency_s: NDArray[np.float64]
    query_ids: NDArray[np.object_]
    rounds: NDArray[np.int64]
    causes: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Fit:
    """Latency of a call in seconds: a fixed part, and a part per unit of every cause.

    Attributes
    ----------
    causes
        Quantities that the latency grows with, e.g. documents and tokens.
    fixed_s, per_unit_s
        ``(estimate, lower, upper)`` in seconds; `per_unit_s` has one of them per cause.
    confidence
        Confidence level of the bounds: the wider of a percentile bootstrap over the queries of every cell, and
        Student's t over the rounds' own fits.
    cells, calls
        Number of cells and calls behind the fit.
    worst
        Largest distance of a cell's median from the fit, relative to the median.
    worst_at
        Value of the first cause in that cell.
    rounds
        Number of rounds that all cells share; None where a file does not record it.
    """

    causes: tuple[str, ...]
    fixed_s: tuple[float, float, float]
    per_unit_s: tuple[tuple[float, float, float], ...]
    confidence: float
    cells: int
    calls: int
    worst: float
    worst_at: float
    rounds: int | None = None

    @property
    def is_straight(self) -> bool:
        """Whether every median is within `CURVED` of the fit."""
        return self.worst <= CURVED


def fit_cost(samples: Sequence[Sample], causes: Sequence[str], confidence: float, seed: int) -> Fit | None:
    """Fit the cells' medians by a fixed time and a time per unit, all non-negative.

    Non-negative least squares of relative errors, so that short calls count as much as long ones.

    Parameters
    ----------
    samples
        Cells of one reranker with one call in flight.
    causes
        Names of the causes to include.
    confidence, seed
        Confidence level and seed of the bootstrap.

    Returns
    -------
    None with fewer than two cells more than causes, with fewer than `MIN_GROUPS` rounds that all cells share, if a
    quantity is unknown (NaN) in a cell, or if a cause is constant or two causes are collinear: their contributions
    cannot be separated then.
    """
    nonempty = [sample for sample in samples if len(sample.latency_s)]
    causes = tuple(causes)
    if len(nonempty) < len(causes) + 2 or _are_collinear(nonempty, causes):
        return None
    x = np.array([[float(np.median(sample.causes[name])) for name in causes] for sample in nonempty])
    y = np.array([float(np.median(sample.latency_s)) for sample in nonempty])
    if np.isnan(x).any() or (np.ptp(x, axis=0) == 0).any():
        return None
    best = _least_squares(x, y)
    own = _fits_of_rounds(x, nonempty)
    if len(own) < MIN_GROUPS:
        return None
    bounds = _bounds(x, nonempty, (1 - confidence) / 2, seed)
    half = _half_widths(best, own, confidence)
    bounds = np.stack([np.minimum(bounds[0], np.maximum(best - half, 0)), np.maximum(bounds[1], best + half)])
    parts = tuple((float(best[i]), float(bounds[0, i]), float(bounds[1, i])) for i in range(len(best)))
    distances = np.abs(best[0] + x @ best[1:] - y) / y
    worst = int(distances.argmax())
    return Fit(
        causes=causes,
        fixed_s=parts[0],
        per_unit_s=parts[1:],
        confidence=confidence,
        cells=len(nonempty),
        calls=sum(len(sample.latency_s) for sample in nonempty),
        worst=float(distances[worst]),
        worst_at=float(x[worst, 0]),
        rounds=len(own),
    )


def _bounds(
    x: NDArray[np.float64], samples: Sequence[Sample], error: float, seed: int
) -> NDArray[np.float64]:
    """Return ``(2, parts)`` bounds of the fit by a bootstrap over queries."""
    rng = np.random.default_rng(seed)
    medians = np.stack([_medians(sample, rng) for sample in samples], axis=1)
    drawn = np.array([_least_squares(x, row) for row in medians])
    return np.asarray(np.quantile(drawn, (error, 1 - error), axis=0))


def _fits_of_rounds(x: NDArray[np.float64], samples: Sequence[Sample]) -> NDArray[np.float64]:
    """Return ``(rounds, parts)`` fits of the medians of each round that all cells have."""
    shared = set.intersection(*({int(number) for number in sample.rounds} for sample in samples))
    return np.array(
        [
            _least_squares(x, np.array([np.median(one.latency_s[one.rounds == number]) for one in samples]))
            for number in sorted(shared)
        ]
    )


def _half_widths(
    best: NDArray[np.float64], own: NDArray[np.float64], confidence: float
) -> NDArray[np.float64]:
    """Return ``(parts,)`` half widths by Student's t: the deviation of the rounds' fits from that of all calls."""
    from scipy.special import stdtrit

    count = len(own)
    deviation = np.sqrt(((own - best) ** 2).sum(axis=0) / (count - 1))
    return np.asarray(stdtrit(count - 1, 0.5 + confidence / 2) * deviation / np.sqrt(count))


def _least_squares(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fixed part and the part per unit of each cause, all at least 0."""
    from scipy.optimize import nnls

    design = np.column_stack([np.ones(len(y)), x]) / y[:, None]
    scale = design.max(axis=0)
    solution: NDArray[np.float64] = nnls(design / scale, np.ones(len(y)))[0]
    return np.asarray(solution / scale)


def _medians(sample: Sample, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return ``(RESAMPLES,)`` median latencies of bootstrap samples of queries with all their calls."""
    names, clusters = np.unique(sample.query_ids.astype(str), return_inverse=True)
    if len(names) == len(clusters):
        rows = rng.integers(0, len(names), (RESAMPLES, len(names)))
        return np.asarray(np.median(sample.latency_s[rows], axis=1))
    members = [sample.latency_s[clusters == number] for number in range(len(names))]
    return np.array(
        [
            np.median(np.concatenate([members[i] for i in rng.integers(0, len(names), len(names))]))
            for _ in range(RESAMPLES)
        ]
    )


def _are_collinear(samples: Sequence[Sample], causes: Sequence[str]) -> bool:
    if len(causes) < 2:
        return False
    medians = np.array([[np.median(sample.causes[name]) for name in causes] for sample in samples])
    if (np.ptp(medians, axis=0) == 0).any():
        return True
    correlations = np.abs(np.corrcoef(medians, rowvar=False)) - np.eye(len(causes))
    return bool(correlations.max() > _COLLINEAR)
