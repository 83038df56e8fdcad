"""Who is better, by how much, how sure, and whether a new version may pass."""

from evalkit.comparison.comparison_set import ComparisonSet, Paired, System, pair
from evalkit.comparison.contenders import Comparison, Plan, compare, explore, pool, tied_with

__all__ = [
    "Comparison",
    "ComparisonSet",
    "Paired",
    "Plan",
    "System",
    "compare",
    "explore",
    "pair",
    "pool",
    "tied_with",
]
