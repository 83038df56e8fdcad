"""Figures as a report's documents hold them: a mean with its interval and n; what is unknown is null."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import mean_interval


def mean_row(values: NDArray[np.float64]) -> dict[str, Any]:
    """Return a mean with its t interval and n."""
    interval = mean_interval(values)
    return {"mean": interval.estimate, "lower": interval.lower, "upper": interval.upper, "n": interval.n}


def mean_or_none(values: NDArray[np.float64]) -> float | None:
    """Return a mean; None of nothing."""
    return float(values.mean()) if len(values) else None


def or_none(value: float) -> float | None:
    """Return a number; None for NaN."""
    return None if np.isnan(value) else float(value)
