"""Choose depth, score threshold and calibration on tuning queries, and check them on held-out queries."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.tuning.depth_choice import Choice, Limits, choose_depth
    from evalkit.tuning.query_split import Split, split_queries

__all__ = [
    "Choice",
    "Limits",
    "Split",
    "choose_depth",
    "split_queries",
]

__getattr__ = load_on_use(__name__)
