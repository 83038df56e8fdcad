"""The lowest and the highest value that a metric can have."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The values that are possible for one query; intervals, and the values of failed queries, depend on it.

    Attributes
    ----------
    lowest, highest
        The ends; `highest` is infinite for counts.
    """

    lowest: float = 0.0
    highest: float = 1.0

    @property
    def width(self) -> float:
        """The distance between the ends."""
        return self.highest - self.lowest

    @property
    def is_bounded(self) -> bool:
        """Whether both ends are finite."""
        return math.isfinite(self.width)


SHARES = ValueRange()
"""The range of most metrics, from 0 to 1."""
