"""The Pareto front of several configurations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def front(counts: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return ``(n,)`` whether a row is on the Pareto front: no other is as good in all columns and better in one.

    Parameters
    ----------
    counts
        ``(n, c)`` criteria, higher is better. A column that contains NaN is ignored.
    """
    known = counts[:, ~np.isnan(counts).any(axis=0)]
    as_good = np.all(known[None, :, :] >= known[:, None, :], axis=2)
    better = np.any(known[None, :, :] > known[:, None, :], axis=2)
    return np.asarray(~np.any(as_good & better, axis=1))
