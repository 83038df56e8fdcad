"""Bootstrap over queries."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def query_weights(queries: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield ``(queries,)`` how often each query is in a sample drawn with replacement."""
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(rng.integers(0, queries, queries), minlength=queries).astype(np.float64)
