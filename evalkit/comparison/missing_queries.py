"""Withhold verdicts that rest on queries which a file of rankings lacks: the file may be cut off."""

from __future__ import annotations

from dataclasses import replace

from evalkit.comparison.comparison_set import ComparisonSet, System
from evalkit.comparison.plan import MISSING, Comparison

MOST_MISSING = 0.05
"""A comparison is withheld if its files lack a larger share of the averaged queries.

Engines return nothing for a few queries, such as those of stop words alone. A share of 5 % moves a mean by at most .05
of its range; up to there the claims are checked with the missing queries counted against them. A cut-off download lacks
more, and which queries it lacks is not random.
"""


def missing(system: System) -> frozenset[str]:
    """Return the averaged queries that the file of a system lacks, unless it is stated that the engine found nothing.

    Rankings that evalkit made have no file: a query without candidates is empty, and its 0 is a value.
    """
    if system.coverage is None or system.missing_as_zero:
        return frozenset()
    return frozenset(system.coverage.missing)


def lacks_too_many(comparison_set: ComparisonSet, one: str, other: str) -> bool:
    """Return whether the files of two systems lack more than `MOST_MISSING` of the averaged queries."""
    systems = comparison_set.systems[one], comparison_set.systems[other]
    averaged = max((system.coverage.averaged for system in systems if system.coverage is not None), default=0)
    return len(missing(systems[0]) | missing(systems[1])) > MOST_MISSING * averaged


def count_missing(system: System) -> int:
    """Return the number of averaged queries that the file of a system lacks, stated or not; each counts as 0."""
    return 0 if system.coverage is None else len(system.coverage.missing)


def without_evidence(one: Comparison) -> Comparison:
    """Return a comparison that is withheld because of missing queries: means, and neither test nor interval."""
    return replace(
        one,
        verdict=MISSING,
        lower=None,
        upper=None,
        p=None,
        p_adjusted=None,
        p_t=None,
        fragile=False,
        deviation=None,
        effect=None,
        detectable=None,
        needed=None,
        needed_lower=None,
        needed_upper=None,
        joint_lower=None,
        joint_upper=None,
        error=None,
        histogram=None,
    )
