"""Say what more queries would show where a gate cannot tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import SeenDifferences, chance_of_passing, more_queries_for

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
