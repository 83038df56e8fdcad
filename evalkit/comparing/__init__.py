"""Who is better, by how much, how sure, and whether a new version may pass."""

from evalkit.comparing.compare import Comparison, Plan, compare, explore, pool, tied_with
from evalkit.comparing.fields import Entry, Field, Paired, pair

__all__ = [
    "Comparison",
    "Entry",
    "Field",
    "Paired",
    "Plan",
    "compare",
    "explore",
    "pair",
    "pool",
    "tied_with",
]
