"""The gate rule on the cost of a thousand queries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.gate_verdicts import RuleFinding, Status, invalid, percent
from evalkit.stats import MIN_QUERIES, Clusters, allow_for_skewness, count_clusters, one_sided_bounds


def judge_cost(
    usd: NDArray[np.float64], most: float, alpha: float, clusters: Clusters | None = None
) -> RuleFinding:
    """Judge the mean cost of a thousand queries.

    Parameters
    ----------
    usd
        ``(n,)`` cost of the calls of each query, in US dollars.
    most
        Largest acceptable cost of a thousand queries, in US dollars.
    alpha
        Probability of passing a true mean of exactly `most`.
    clusters
        Cluster of each query; None if all are independent.
    """
    n, count = len(usd), count_clusters(clusters, len(usd))
    if count < 2:
        return invalid(f"{n} queries with a cost")
    found = one_sided_bounds(1000 * usd, 0.0, alpha, clusters)
    found = allow_for_skewness(found, 1000 * usd, alpha, clusters)  # few queries with long lists cost most
    seen = (
        f"1,000 queries cost {found.mean:.4g} USD [{found.lower:.4g}, {found.upper:.4g}]"
        f" ({percent(1 - 2 * alpha)}, n={n} queries)"
    )
    # A fixed price for each call has no spread: the cost is then known and not estimated.
    status: Status = "PASS" if found.upper <= most else "FAIL" if found.lower > most else "CANNOT TELL"
    limit = f"the limit is {most:g} USD"
    if count < MIN_QUERIES:
        status, limit = "CANNOT TELL", f"no verdict with fewer than {MIN_QUERIES} queries"
    return RuleFinding(status, f"{seen}; {limit}", found.mean, found.lower, found.upper, n)
