"""Metrics: their names, and what they give to a run. ``evaluate`` is the way in."""

from evalkit.metrics.evaluate import evaluate
from evalkit.metrics.names import Metric, parse_metric, parse_metrics
from evalkit.metrics.ties import TieBounds, tie_bounds

__all__ = ["Metric", "TieBounds", "evaluate", "parse_metric", "parse_metrics", "tie_bounds"]
