"""Metrics of ranked lists: ``parse_metrics`` reads their names, ``evaluate`` computes them.

`definitions.DEFINITIONS` lists the metrics that evalkit computes itself; `provided.PROVIDED` lists those
that other packages compute, through ir_measures.
"""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.metrics.checks import check_metrics
    from evalkit.metrics.evaluation import evaluate
    from evalkit.metrics.metric import Metric
    from evalkit.metrics.names import (
        distinct_metrics,
        find_spelling,
        parse_metric,
        parse_metrics,
        proper_name,
    )
    from evalkit.metrics.ties import TieBounds, has_tie_bounds, tie_bounds
    from evalkit.metrics.unjudged import UnjudgedBounds, has_unjudged_bounds, unjudged_bounds, usual_grade

__all__ = [
    "Metric",
    "TieBounds",
    "UnjudgedBounds",
    "check_metrics",
    "distinct_metrics",
    "evaluate",
    "find_spelling",
    "has_tie_bounds",
    "has_unjudged_bounds",
    "parse_metric",
    "parse_metrics",
    "proper_name",
    "tie_bounds",
    "unjudged_bounds",
    "usual_grade",
]

__getattr__ = load_on_use(__name__)
