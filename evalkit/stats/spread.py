"""How far numbers lie apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def standard_deviation_within(groups: Sequence[NDArray[np.float64]]) -> float | None:
    """Return the pooled standard deviation of numbers around the mean of their group.

    Parameters
    ----------
    groups
        ``(n,)`` numbers each.

    Returns
    -------
    ``sqrt(sum of squared deviations / sum of (n - 1))``; None where no group has two numbers.
    """
    freedom = sum(len(group) - 1 for group in groups if len(group))
    if freedom < 1:
        return None
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups if len(group))
    return float(np.sqrt(squares / freedom))
