"""Metric values per query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class MetricValues:
    """The value of every metric for every query that the means include, for one run.

    A metric may have no value for some of the queries: NaN. It is unknown there, and never 0; means, tests and tables
    leave such a query out of that metric alone.

    Attributes
    ----------
    tag
        Tag of the run.
    metrics
        ``(m,)`` metric labels.
    query_ids
        ``(q,)`` query identifiers.
    values
        ``(q, m)`` float64 metric values; NaN where unknown.
    """

    tag: str
    metrics: tuple[str, ...]
    query_ids: tuple[str, ...]
    values: NDArray[np.float64]

    def of(self, metric: str) -> NDArray[np.float64]:
        """Return the ``(q,)`` values of one metric; NaN where unknown."""
        return self.values[:, self.metrics.index(metric)]

    def known(self, metric: str) -> NDArray[np.int64]:
        """Return the ``(k,)`` rows of the queries for which a metric has a value, ascending."""
        return np.flatnonzero(~np.isnan(self.of(metric)))

    def by_query(self, metric: str) -> dict[str, float]:
        """Return query id -> value of one metric, without the queries for which it is unknown."""
        column = self.of(metric)
        return {self.query_ids[row]: float(column[row]) for row in self.known(metric)}
