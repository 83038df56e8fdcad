"""Statistical comparison of systems: differences, tests, sensitivity, slices, score drift and gate verdicts."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.comparison.comparison_set import ComparisonSet, Paired, System, pair
    from evalkit.comparison.contenders import compare, compare_all, explore
    from evalkit.comparison.plan import MISSING, UNKNOWN, Comparison, Plan
    from evalkit.comparison.pooled import AcrossDatasets, across_datasets, pool
    from evalkit.comparison.tied_systems import order_systems, tied_on_each, tied_with

__all__ = [
    "MISSING",
    "UNKNOWN",
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
    "order_systems",
    "pair",
    "pool",
    "tied_on_each",
    "tied_with",
]

__getattr__ = load_on_use(__name__)
