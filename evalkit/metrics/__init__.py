"""Metrics of ranked lists: ``parse_metrics`` reads their names, ``evaluate`` computes them.

`definitions.DEFINITIONS` lists the metrics that evalkit computes itself; ir_measures computes all others.
"""

from evalkit.metrics.evaluation import check_judgments, evaluate
from evalkit.metrics.metric import Metric
from evalkit.metrics.names import (
    distinct_metrics,
    find_spelling,
    parse_metric,
    parse_metrics,
    proper_name,
)
from evalkit.metrics.ties import TieBounds, tie_bounds
from evalkit.metrics.unjudged import UnjudgedBounds, has_unjudged_bounds, unjudged_bounds, usual_grade

__all__ = [
    "Metric",
    "TieBounds",
    "UnjudgedBounds",
    "check_judgments",
    "distinct_metrics",
    "evaluate",
    "find_spelling",
    "has_unjudged_bounds",
    "parse_metric",
    "parse_metrics",
    "proper_name",
    "tie_bounds",
    "unjudged_bounds",
    "usual_grade",
]
