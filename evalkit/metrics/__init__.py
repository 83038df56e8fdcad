"""Metrics: their names, and what they give to a run. ``evaluate`` is the way in."""

from evalkit.metrics.evaluation import evaluate
from evalkit.metrics.names import Metric, parse_metric, parse_metrics
from evalkit.metrics.ties import TieBounds, tie_bounds
from evalkit.metrics.unjudged import UnjudgedBounds, has_unjudged_bounds, unjudged_bounds, usual_grade

__all__ = [
    "Metric",
    "TieBounds",
    "UnjudgedBounds",
    "evaluate",
    "has_unjudged_bounds",
    "parse_metric",
    "parse_metrics",
    "tie_bounds",
    "unjudged_bounds",
    "usual_grade",
]
