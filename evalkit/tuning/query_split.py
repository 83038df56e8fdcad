"""Split queries into tuning and held-out halves: figures on the tuning half are optimistic after a choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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


def split_queries(queries: int, seed: int) -> Split:
    """Return a random split of `queries` rows; the tuning half has one more row if the number is odd."""
    order = np.random.default_rng(seed).permutation(queries)
    half = (queries + 1) // 2
    return Split(np.sort(order[:half]), np.sort(order[half:]))
