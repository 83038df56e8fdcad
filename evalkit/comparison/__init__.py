"""Statistical comparison of systems: differences, tests, sensitivity, slices, score drift and gate verdicts."""

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
