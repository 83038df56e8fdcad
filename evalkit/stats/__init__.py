"""Intervals: of a mean, of a quantile. A number that cannot be bounded is not given."""

from evalkit.stats.intervals import (
    MIN_QUERIES,
    Interval,
    mean_interval,
    quantile_interval,
    sample_size_for_quantile,
)
from evalkit.stats.spread import standard_deviation_within

__all__ = [
    "MIN_QUERIES",
    "Interval",
    "mean_interval",
    "quantile_interval",
    "sample_size_for_quantile",
    "standard_deviation_within",
]
