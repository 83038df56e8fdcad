"""The input of a comparison: systems on one dataset, and the paired values of two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalkit.records import MetricValues, Qrels, Query, Run


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """One system on one dataset.

    Attributes
    ----------
    name
        Unique within the comparison.
    run
        The ranked lists.
    values
        Metric values per averaged query; a query without scores has no row.
    unscored
        Ids of the queries without scores. A failed query counts as missing, never as 0.
    """

    name: str
    run: Run
    values: MetricValues
    unscored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonSet:
    """The systems compared on one dataset.

    Attributes
    ----------
    dataset
        Name of the dataset.
    qrels
        The judgments that all systems are evaluated with.
    systems
        Name -> system.
    queries
        Query id -> text and further fields; empty if unknown.
    first_stage
        The run of the first stage; None if unknown.
    depth
        Candidates per query; None if the runs do not share a first stage.
    """

    dataset: str
    qrels: Qrels
    systems: Mapping[str, System]
    queries: Mapping[str, Query] = field(default_factory=dict)
    first_stage: Run | None = None
    depth: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """The values of one metric for two systems, on the queries for which both have a value.

    Attributes
    ----------
    query_ids
        ``(n,)`` query ids.
    baseline, contender
        ``(n,)`` metric values.
    left_out
        Number of queries for which only one system has a value.
    """

    query_ids: tuple[str, ...]
    baseline: NDArray[np.float64]
    contender: NDArray[np.float64]
    left_out: int

    @property
    def differences(self) -> NDArray[np.float64]:
        """``(n,)`` contender minus baseline."""
        return self.contender - self.baseline

    def restricted_to(self, query_ids: Sequence[str]) -> Paired:
        """Return the values of the given queries."""
        wanted = set(query_ids)
        rows = [row for row, query_id in enumerate(self.query_ids) if query_id in wanted]
        kept = tuple(self.query_ids[row] for row in rows)
        return Paired(kept, self.baseline[rows], self.contender[rows], 0)


def pair(baseline: MetricValues, contender: MetricValues, metric: str) -> Paired:
    """Return the values of one metric on the queries that both systems have."""
    row_of = {query_id: row for row, query_id in enumerate(contender.query_ids)}
    shared = tuple(query_id for query_id in baseline.query_ids if query_id in row_of)
    contender_rows = [row_of[query_id] for query_id in shared]
    kept = set(shared)
    baseline_rows = [row for row, query_id in enumerate(baseline.query_ids) if query_id in kept]
    left_out = len(baseline.query_ids) + len(contender.query_ids) - 2 * len(shared)
    return Paired(shared, baseline.of(metric)[baseline_rows], contender.of(metric)[contender_rows], left_out)
