"""Bootstrap over queries or other clusters of observations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.intervals import Interval, sample_size_for_quantile


def query_weights(queries: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield ``(queries,)`` arrays: how often each query occurs in a sample drawn with replacement."""
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(rng.integers(0, queries, queries), minlength=queries).astype(np.float64)


def clustered_quantile_interval(
    values: NDArray[np.float64],
    clusters: NDArray[np.int64],
    p: float,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return a quantile of clustered observations with a bootstrap interval over the clusters.

    Parameters
    ----------
    values
        ``(n,)`` observations; those of one cluster need not be independent.
    clusters
        ``(n,)`` index of each observation's cluster, from 0.
    p
        The quantile, between 0 and 1.
    confidence
        Two-sided confidence level, half of the error on each side.
    resamples, seed
        Number and seed of the bootstrap samples.

    Returns
    -------
    Interval
        n is the number of clusters. No estimate and no bounds if n is smaller than `sample_size_for_quantile`.

    References
    ----------
    Field and Welsh, Bootstrapping clustered data (2007): the bootstrap draws whole clusters.
    """
    n = int(clusters.max()) + 1 if len(clusters) else 0
    if n < sample_size_for_quantile(p, confidence):
        return Interval(None, None, None, n, confidence)
    order = np.argsort(values, kind="stable")
    ordered, ordered_clusters = values[order], clusters[order]
    estimates = np.empty(resamples)
    for number, weights in enumerate(query_weights(n, resamples, seed)):
        cumulative = np.cumsum(weights[ordered_clusters])
        estimates[number] = ordered[np.searchsorted(cumulative, p * cumulative[-1])]
    error = (1 - confidence) / 2
    low, high = np.quantile(estimates, (error, 1 - error))
    return Interval(float(np.quantile(values, p)), float(low), float(high), n, confidence)
