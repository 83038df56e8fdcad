"""Metrics: their names, and what they give to a run. ``evaluate`` is the way in."""

from evalkit.metrics.evaluate import evaluate
from evalkit.metrics.names import Metric, parse_metric, parse_metrics

__all__ = ["Metric", "evaluate", "parse_metric", "parse_metrics"]
