"""Which of several possibilities nothing beats on every count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def front(counts: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return ``(n,)`` whether no other row is at least as good in every column and better in one.

    Parameters
    ----------
    counts
        ``(n, c)`` more is better. A column with an unknown value (NaN) anywhere says nothing.
    """
    known = counts[:, ~np.isnan(counts).any(axis=0)]
    as_good = np.all(known[None, :, :] >= known[:, None, :], axis=2)
    better = np.any(known[None, :, :] > known[:, None, :], axis=2)
    return np.asarray(~np.any(as_good & better, axis=1))
