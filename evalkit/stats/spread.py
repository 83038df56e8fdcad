"""Measures of spread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def standard_deviation_within(groups: Sequence[NDArray[np.float64]]) -> float | None:
    """Return the pooled standard deviation within groups.

    Parameters
    ----------
    groups
        ``(n,)`` values of each group.

    Returns
    -------
    ``sqrt(sum of squared deviations from the group mean / sum of (n - 1))``; None if no group has two values.
    """
    degrees_of_freedom = sum(len(group) - 1 for group in groups if len(group))
    if degrees_of_freedom < 1:
        return None
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups if len(group))
    return float(np.sqrt(squares / degrees_of_freedom))
