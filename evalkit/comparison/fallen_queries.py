"""Judge how many queries fell: a gate rule on their share, and the share of falls that a sample cannot show."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.gate_verdicts import GateFinding, RuleFinding, Status, invalid, percent
from evalkit.stats import MIN_QUERIES, Clusters, count_clusters, sample_size_for_count, share_bounds

_ROUNDING = 1e-12
"""Slack of a comparison with a limit: differences of metric values carry rounding errors."""


def judge_fallen(
    differences: NDArray[np.float64], metric: str, most: float, fallen_by: float | None, alpha: float
) -> RuleFinding:
    """Judge whether at most a share of the queries fell.

    Both bounds of the share are exact for any distribution of the differences, so rare large losses count like any
    other. The queries must be independent: of clusters, give the largest loss of each (`worst_of_clusters`).

    Parameters
    ----------
    differences
        ``(n,)`` new minus baseline, one per query.
    metric
        Name of the metric, for the sentence.
    most
        Largest acceptable share of queries that fall.
    fallen_by
        Smallest loss of a query that counts; any loss if None.
    alpha
        Probability of passing a true share of exactly `most`.

    References
    ----------
    Clopper and Pearson 1934.
    """
    n = len(differences)
    if not n:
        return invalid("0 queries in common")
    fallen = int((differences <= -(_ROUNDING if fallen_by is None else fallen_by - _ROUNDING)).sum())
    lower, upper = share_bounds(fallen, n, alpha)
    by = "" if fallen_by is None else f" by {fallen_by:g} or more"
    seen = f"{metric} decreased{by} in {fallen} of {n} queries"
    level, allowed = percent(1 - alpha), f"the limit is {percent(most)}"
    status: Status = "PASS" if upper <= most else "FAIL" if lower > most else "CANNOT TELL"
    if n < MIN_QUERIES:
        status, sentence = (
            "CANNOT TELL",
            f"{seen}: no verdict with fewer than {MIN_QUERIES} queries",
        )
    elif status == "PASS":
        sentence = (
            f"{seen}. The share of all queries is at most {percent(upper)} ({level} confidence); {allowed}"
        )
    elif status == "FAIL":
        sentence = (
            f"{seen}. The share of all queries is at least {percent(lower)} ({level} confidence); {allowed}"
        )
    else:
        needed = sample_size_for_count(fallen, most, 1 - alpha)
        sentence = (
            f"{seen}. The share of all queries may be up to {percent(upper)} ({level} confidence);"
            f" {allowed}. A PASS requires at least {needed} queries, if no further query decreases"
        )
    chance = _chance_of_passing(fallen / n, n, most, alpha) if fallen and status != "FAIL" else None
    return GateFinding(status, sentence, fallen / n, lower, upper, n, unchanged_passes=chance)


def _chance_of_passing(share: float, n: int, most: float, alpha: float) -> float:
    """Return how often `n` queries pass where a share of all queries falls."""
    from scipy.special import bdtr, bdtri

    # `bdtri` inverts the binomial distribution: it is the upper Clopper-Pearson bound of every count below n.
    passing = np.flatnonzero(bdtri(np.arange(n), n, alpha) <= most)
    return float(bdtr(passing[-1], n, share)) if len(passing) else 0.0


def worst_of_clusters(differences: NDArray[np.float64], clusters: Clusters | None) -> NDArray[np.float64]:
    """Return the ``(g,)`` smallest difference of each cluster; the differences themselves without clusters."""
    if clusters is None:
        return differences
    worst = np.full(count_clusters(clusters, len(differences)), np.inf)
    np.minimum.at(worst, clusters, differences)
    return worst


def unseen_share(n: int, alpha: float) -> float:
    """Return the upper bound of the share of all queries that fall by more than the largest fall among `n`.

    The bound holds at confidence ``1 - alpha`` for every distribution: it is that of the smallest of n observations.

    References
    ----------
    Wilks 1941 (tolerance limits from order statistics): ``1 - alpha**(1 / n)``; about ``3 / n`` for alpha .05.
    """
    return float(1 - alpha ** (1 / n))


def with_unseen_share(finding: RuleFinding, differences: NDArray[np.float64], alpha: float) -> GateFinding:
    """Add to a verdict what share of the queries may fall unseen; a passing verdict says it in words."""
    share, fall = unseen_share(len(differences), alpha), max(0.0, -float(differences.min()))
    fields = asdict(finding)
    if finding.status in {"PASS", "IDENTICAL"}:
        seen = "No query decreased" if fall == 0 else f"No query decreased by more than {fall:.4f}"
        unseen = f"up to {percent(share)} of all queries may ({percent(1 - alpha)} confidence)"
        fields["sentence"] += f". {seen}; {unseen}"
    return GateFinding(**fields | {"unseen_share": share, "largest_fall": fall})
