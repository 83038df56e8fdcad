"""What a call costs before, and for each document and token: a line through the medians of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
CURVED = 0.15
"""Distance of a median from the line, relative to it, from which the line is no summary."""
_ALIKE = 0.995
"""Correlation from which the shares of two causes cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The good calls of one cell, ``(n,)`` each: seconds, query, and what may drive them."""

    latency_s: NDArray[np.float64]
    query_ids: NDArray[np.object_]
    causes: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Fit:
    """Seconds of a call as a fixed part and a part for each unit of every cause.

    Attributes
    ----------
    causes
        What the time grows with, e.g. documents and tokens.
    fixed_s, per_unit_s
        Estimates with their bounds, ``(estimate, lower, upper)``; one of `per_unit_s` for each cause.
    confidence
        Level of the bounds: a percentile bootstrap over the queries of every cell.
    cells, calls
        Behind the fit.
    worst
        Largest distance of a median from the fit, relative to the median.
    worst_at
        Value of the first cause there.
    """

    causes: tuple[str, ...]
    fixed_s: tuple[float, float, float]
    per_unit_s: tuple[tuple[float, float, float], ...]
    confidence: float
    cells: int
    calls: int
    worst: float
    worst_at: float

    @property
    def is_straight(self) -> bool:
        """Whether the fit is near every median."""
        return self.worst <= CURVED


def fit_cost(samples: Sequence[Sample], causes: Sequence[str], confidence: float, seed: int) -> Fit | None:
    """Fit medians by a fixed cost and a cost per unit, none of them negative.

    Least squares of relative errors, so that small calls count as much as large ones.

    Parameters
    ----------
    samples
        Cells of one reranker, one call in flight.
    causes
        Which of their causes the time is laid to.
    confidence, seed
        Of the bounds.

    Returns
    -------
    None where there are fewer than two cells more than causes, or where two causes go hand in hand: what each of
    them costs cannot be told then.
    """
    held = [sample for sample in samples if len(sample.latency_s)]
    causes = tuple(causes)
    if len(held) < len(causes) + 2 or _go_together(held, causes):
        return None
    x = np.array([[float(np.median(sample.causes[name])) for name in causes] for sample in held])
    y = np.array([float(np.median(sample.latency_s)) for sample in held])
    if (np.ptp(x, axis=0) == 0).any():
        return None
    best = _least_squares(x, y)
    rng = np.random.default_rng(seed)
    medians = np.stack([_medians(sample, rng) for sample in held], axis=1)
    drawn = np.array([_least_squares(x, row) for row in medians])
    error = (1 - confidence) / 2
    bounds = np.quantile(drawn, (error, 1 - error), axis=0)
    parts = tuple((float(best[i]), float(bounds[0, i]), float(bounds[1, i])) for i in range(len(best)))
    off = np.abs(best[0] + x @ best[1:] - y) / y
    worst = int(off.argmax())
    calls = sum(len(sample.latency_s) for sample in held)
    return Fit(
        causes, parts[0], parts[1:], confidence, len(held), calls, float(off[worst]), float(x[worst, 0])
    )


def _least_squares(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fixed part and the part of each cause, none below 0."""
    from scipy.optimize import nnls

    design = np.column_stack([np.ones(len(y)), x]) / y[:, None]
    scale = design.max(axis=0)
    solution: NDArray[np.float64] = nnls(design / scale, np.ones(len(y)))[0]
    return np.asarray(solution / scale)


def _medians(sample: Sample, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return ``(RESAMPLES,)`` medians of samples of whole queries."""
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


def _go_together(samples: Sequence[Sample], causes: Sequence[str]) -> bool:
    if len(causes) < 2:
        return False
    medians = np.array([[np.median(sample.causes[name]) for name in causes] for sample in samples])
    if (np.ptp(medians, axis=0) == 0).any():
        return True
    related = np.abs(np.corrcoef(medians, rowvar=False)) - np.eye(len(causes))
    return bool(related.max() > _ALIKE)
