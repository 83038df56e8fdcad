"""Queries to choose on, and others to check the choice on: what is best on the first is flattered there."""

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
        ``(n,)`` rows; no query is in both.
    """

    tuning: NDArray[np.int64]
    held_out: NDArray[np.int64]


def split_queries(queries: int, seed: int) -> Split:
    """Draw one half of the queries to choose on; the other one checks."""
    order = np.random.default_rng(seed).permutation(queries)
    half = (queries + 1) // 2
    return Split(np.sort(order[:half]), np.sort(order[half:]))
