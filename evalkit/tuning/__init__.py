"""How many candidates: chosen on some queries, checked on others."""

from evalkit.tuning.depth_choice import Choice, Limits, choose_depth
from evalkit.tuning.query_split import Split, split_queries

__all__ = [
    "Choice",
    "Limits",
    "Split",
    "choose_depth",
    "split_queries",
]
