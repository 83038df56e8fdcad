"""Choose depth, score threshold and calibration on tuning queries, and check them on held-out queries."""

from evalkit.tuning.depth_choice import Choice, Limits, choose_depth
from evalkit.tuning.query_split import Split, split_queries

__all__ = [
    "Choice",
    "Limits",
    "Split",
    "choose_depth",
    "split_queries",
]
