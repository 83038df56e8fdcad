"""Withhold verdicts that rest on queries which a file of rankings lacks: the file may be cut off."""

from __future__ import annotations

from collections.abc import Iterable
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


def missing_of_both(
    comparison_set: ComparisonSet, one: str, other: str
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the queries that the file of each of two systems lacks, as far as they count for their comparison.

    Systems that rank the candidates of one first stage are given the same queries: what the file of candidates lacks
    is empty for both, and says nothing for either.
    """
    if share_candidates(comparison_set, (one, other)):
        return frozenset(), frozenset()
    return missing(comparison_set.systems[one]), missing(comparison_set.systems[other])


def share_candidates(comparison_set: ComparisonSet, names: Iterable[str]) -> bool:
    """Return whether some systems rank the candidates of one first stage, or are this first stage."""
    systems = comparison_set.systems
    return comparison_set.first_stage is not None and not any(systems[name].own_candidates for name in names)


def lacks_too_many(comparison_set: ComparisonSet, one: str, other: str) -> bool:
    """Return whether the files of two systems lack more than `MOST_MISSING` of the averaged queries."""
    first, second = missing_of_both(comparison_set, one, other)
    return len(first | second) > MOST_MISSING * max(_averaged(comparison_set, name) for name in (one, other))


def is_cut_off(comparison_set: ComparisonSet, name: str) -> bool:
    """Return whether the file of a system lacks more than `MOST_MISSING` of the queries that another file may have."""
    if share_candidates(comparison_set, comparison_set.systems):
        return False
    found = missing(comparison_set.systems[name])
    return len(found) > MOST_MISSING * _averaged(comparison_set, name)


def _averaged(comparison_set: ComparisonSet, name: str) -> int:
    coverage = comparison_set.systems[name].coverage
    return 0 if coverage is None else coverage.averaged


def count_missing(comparison_set: ComparisonSet, name: str, others: Iterable[str]) -> int:
    """Return the number of averaged queries that the file of a system lacks, stated or not; each counts as 0.

    It is 0 if the others rank the same candidates.
    """
    coverage = comparison_set.systems[name].coverage
    return (
        0 if coverage is None or share_candidates(comparison_set, (name, *others)) else len(coverage.missing)
    )


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
