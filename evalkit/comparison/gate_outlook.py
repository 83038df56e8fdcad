"""Say what more queries would show where a gate cannot tell."""

from __future__ import annotations

import math
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import CorrectionPlan, MeanError, SeenDifferences, chance_of_passing, more_queries_for

_MOST = 20
"""Largest number of added queries that is considered, as a multiple of the queries so far."""
_CHANCES = (0.5, 0.8)
"""Chances of a PASS between which a range of added queries is given."""


def outlook(differences: NDArray[np.float64], margin: float, alpha: float) -> str:
    """Return a sentence on the chance of a PASS after adding queries; the true mean is as uncertain as it is.

    Parameters
    ----------
    differences
        ``(n,)`` differences on which a non-inferiority test neither passed nor failed.
    margin
        Largest acceptable loss.
    alpha
        Level of the next look.
    """
    seen = SeenDifferences.of(differences)
    most = _MOST * seen.n
    low, high = (more_queries_for(chance, seen, margin, alpha, most) for chance in _CHANCES)
    if low is not None and high is not None:
        return f"A PASS requires {low} to {high} more queries (power {_CHANCES[0]:.0%} to {_CHANCES[1]:.0%})"
    best = (
        f"with {most} more queries the probability of a PASS is"
        f" {chance_of_passing(seen, most, margin, alpha):.0%}"
    )
    if low is None:
        return f"More queries are unlikely to help: {best}"
    return f"A PASS requires at least {low} more queries (power {_CHANCES[0]:.0%}); {best}"


def outlook_of_people(
    found: MeanError, plan: CorrectionPlan | None, margin: float, alpha: float, what: str = "queries"
) -> str:
    """Return a sentence on the chance of a PASS after people judge more queries; the judge's grades stay as they are.

    Parameters
    ----------
    found
        The corrected mean on which a non-inferiority test neither passed nor failed.
    plan
        The number of all queries, and the correlation of the judge's differences with people's; None where unknown.
    margin, alpha
        See `outlook`.
    what
        What is drawn: queries, or clusters of them.
    """
    if plan is None or plan.queries <= found.clusters:
        return f"People judged all {what}: only new ones help"
    worth = plan.worth(found.clusters)
    seen = SeenDifferences(found.mean, found.error * math.sqrt(worth), round(worth))

    def chance(human: int) -> float:
        # So many queries of people give the error of `worth` queries without a judge.
        return chance_of_passing(seen, max(round(plan.worth(human) - worth), 1), margin, alpha)

    rows = range(found.clusters + 1, plan.queries + 1)
    low, high = (rows.start + bisect_left(rows, wanted, key=chance) - found.clusters for wanted in _CHANCES)
    most = len(rows)
    best = f"with all {most} more the probability of a PASS is {chance(plan.queries):.0%}"
    if low > most:
        return f"More human judgments are unlikely to help: {best}"
    if high > most:
        return (
            f"A PASS requires at least {low} more {what} judged by people (power {_CHANCES[0]:.0%}); {best}"
        )
    return (
        f"A PASS requires {low} to {high} more {what} judged by people (power {_CHANCES[0]:.0%} to"
        f" {_CHANCES[1]:.0%}): enlarge human_sample"
    )
