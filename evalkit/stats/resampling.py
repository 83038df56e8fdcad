"""Bootstrap over queries."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.intervals import Interval, sample_size_for_quantile


def query_weights(queries: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield ``(queries,)`` how often each query is in a sample drawn with replacement."""
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
    """Return a quantile with a bootstrap interval over clusters, whose members are not independent.

    Parameters
    ----------
    values
        ``(n,)`` observations.
    clusters
        ``(n,)`` cluster of each, from 0.
    p
        The quantile, between 0 and 1.
    confidence
        Two-sided confidence level, half of the error on each side.
    resamples, seed
        Samples of clusters drawn with replacement.

    Returns
    -------
    Interval
        n counts clusters. Without estimate and bounds where so many independent observations would be too
        few; see `quantile_interval`.

    References
    ----------
    Field and Welsh, Bootstrapping clustered data (2007): clusters are drawn whole.
    """
    groups = int(clusters.max()) + 1 if len(clusters) else 0
    if groups < sample_size_for_quantile(p, confidence):
        return Interval(None, None, None, groups, confidence)
    order = np.argsort(values, kind="stable")
    ordered, of = values[order], clusters[order]
    drawn = np.empty(resamples)
    for number, weights in enumerate(query_weights(groups, resamples, seed)):
        total = np.cumsum(weights[of])
        drawn[number] = ordered[np.searchsorted(total, p * total[-1])]
    error = (1 - confidence) / 2
    low, high = np.quantile(drawn, (error, 1 - error))
    return Interval(float(np.quantile(values, p)), float(low), float(high), groups, confidence)
