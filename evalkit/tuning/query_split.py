"""Split queries into tuning and held-out halves: figures on the tuning half are optimistic after a choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import Clusters


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows of the queries in each half.

    Attributes
    ----------
    tuning, held_out
        ``(n,)`` row numbers, ascending; disjoint.
    """

    tuning: NDArray[np.int64]
    held_out: NDArray[np.int64]


def split_queries(queries: int, seed: int, clusters: Clusters | None = None) -> Split:
    """Return a random split of `queries` rows; the tuning half has one more row if the number is odd.

    Parameters
    ----------
    queries
        Number of rows.
    seed
        Seed of the split.
    clusters
        ``(queries,)`` cluster of each row. All rows of a cluster are in the same half, and the tuning half takes
        clusters until it has half of the rows. None if every row is its own cluster.
    """
    rng = np.random.default_rng(seed)
    half = (queries + 1) // 2
    if clusters is None:
        order = rng.permutation(queries)
        return Split(np.sort(order[:half]), np.sort(order[half:]))
    sizes = np.bincount(clusters)
    order = rng.permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]
    in_tuning = np.isin(clusters, order[before < half])
    return Split(np.flatnonzero(in_tuning), np.flatnonzero(~in_tuning))
