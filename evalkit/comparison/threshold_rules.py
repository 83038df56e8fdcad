"""Gate rules on a score threshold: the share of documents that it keeps, and the queries that it leaves empty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.gate_verdicts import RuleFinding, Status, invalid, percent
from evalkit.stats import (
    MIN_QUERIES,
    Clusters,
    bounded_interval,
    count_clusters,
    share_bounds,
    skewness_shift,
)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit on the share of documents that a threshold keeps.

    Attributes
    ----------
    threshold
        Documents with a lower score are dropped.
    share
        The limit, from 0 to 1.
    at_most
        Whether the share may be at most, and not at least, the limit.
    """

    threshold: float
    share: float
    at_most: bool


def judge_kept(
    kept: NDArray[np.float64], limit: Limit, alpha: float, clusters: Clusters | None = None
) -> RuleFinding:
    """Judge the share of a query's documents that a threshold keeps, on average over queries.

    Parameters
    ----------
    kept
        ``(n,)`` share of the documents of each query.
    limit
        The threshold and the limit.
    alpha
        Probability of passing a true share of exactly the limit.
    clusters
        Cluster of each query; None if all are independent.
    """
    n, count = len(kept), count_clusters(clusters, len(kept))
    found = bounded_interval(kept, 1 - 2 * alpha, clusters)
    mean, lower, upper = found.estimate, found.lower, found.upper
    if mean is None or lower is None or upper is None:
        return invalid(f"{n} queries with scores")
    # A high threshold keeps much of few lists: shares are skewed.
    shift = skewness_shift(kept, alpha, clusters)
    lower, upper = max(0.0, min(lower, lower + shift)), min(1.0, max(upper, upper + shift))
    seen = (
        f"a threshold of {limit.threshold:g} keeps {percent(mean)} [{percent(lower)}, {percent(upper)}] of the"
        f" documents ({percent(1 - 2 * alpha)}, n={n} queries)"
    )
    side = "at most" if limit.at_most else "at least"
    allowed = f"the limit is {side} {percent(limit.share)}"
    good, bad = (
        (upper <= limit.share, lower > limit.share)
        if limit.at_most
        else (lower >= limit.share, upper < limit.share)
    )
    status: Status = "PASS" if good else "FAIL" if bad else "CANNOT TELL"
    if count < MIN_QUERIES:
        status, allowed = "CANNOT TELL", f"no verdict with fewer than {MIN_QUERIES} queries"
    return RuleFinding(status, f"{seen}; {allowed}", mean, lower, upper, n)


def judge_empty(empty: NDArray[np.float64], threshold: float, most: float, alpha: float) -> RuleFinding:
    """Judge the share of queries for which a threshold drops every document.

    Parameters
    ----------
    empty
        ``(n,)`` 1 for a query that keeps no document, else 0; the queries must be independent.
    threshold
        Documents with a lower score are dropped.
    most
        Largest acceptable share of queries.
    alpha
        Probability of passing a true share of exactly `most`.

    References
    ----------
    Clopper and Pearson 1934.
    """
    n, count = len(empty), int(empty.sum())
    if not n:
        return invalid("0 queries with scores")
    lower, upper = share_bounds(count, n, alpha)
    seen = f"{count} of {n} queries have no document with a score of at least {threshold:g}"
    level, limit = percent(1 - alpha), f"the limit is {percent(most)}"
    if n < MIN_QUERIES:
        sentence = f"{seen}: no verdict with fewer than {MIN_QUERIES} queries"
        return RuleFinding("CANNOT TELL", sentence, count / n, lower, upper, n)
    status: Status = "PASS" if upper <= most else "FAIL" if lower > most else "CANNOT TELL"
    bound = {"PASS": f"is at most {percent(upper)}", "FAIL": f"is at least {percent(lower)}"}.get(
        status, f"may be up to {percent(upper)}"
    )
    sentence = f"{seen}. The share of all queries {bound} ({level} confidence); {limit}"
    return RuleFinding(status, sentence, count / n, lower, upper, n)
