"""Statistical comparison of systems: differences, tests, sensitivity, slices, score drift and gate verdicts."""

from evalkit.comparison.comparison_set import ComparisonSet, Paired, System, pair
from evalkit.comparison.contenders import compare, compare_all, explore, tied_with
from evalkit.comparison.plan import Comparison, Plan
from evalkit.comparison.pooled import AcrossDatasets, across_datasets, pool

__all__ = [
    "AcrossDatasets",
    "Comparison",
    "ComparisonSet",
    "Paired",
    "Plan",
    "System",
    "across_datasets",
    "compare",
    "compare_all",
    "explore",
    "pair",
    "pool",
    "tied_with",
]
