"""Metric values per query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class MetricValues:
    """The value of every metric for every query that the means include, for one run.

    Attributes
    ----------
    tag
        Tag of the run.
    metrics
        ``(m,)`` metric labels.
    query_ids
        ``(q,)`` query identifiers.
    values
        ``(q, m)`` float64 metric values.
    """

    tag: str
    metrics: tuple[str, ...]
    query_ids: tuple[str, ...]
    values: NDArray[np.float64]

    def of(self, metric: str) -> NDArray[np.float64]:
        """Return the ``(q,)`` values of one metric."""
        return self.values[:, self.metrics.index(metric)]
