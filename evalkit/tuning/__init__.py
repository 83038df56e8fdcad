"""How many candidates: chosen on some queries, checked on others."""

from evalkit.tuning.depth import Choice, Limits, choose_depth
from evalkit.tuning.splitting import Split, split_queries

__all__ = ["Choice", "Limits", "Split", "choose_depth", "split_queries"]
