"""The input of a comparison: systems on one dataset, and the paired values of two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.records import MetricValues, Qrels, Query, Run, Unjudged
from evalkit.stats import Clusters, clusters_at


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
    placed_last
        Query id -> documents without a score of their own, ranked last with made-up scores; None if it is unknown
        which documents these are.
    """

    name: str
    run: Run
    values: MetricValues
    unscored: tuple[str, ...] = ()
    placed_last: Mapping[str, frozenset[str]] | None = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class QueryClusters:
    """Which queries are not independent.

    Attributes
    ----------
    queries
        Query id -> query; empty if unknown.
    field
        Name of the field whose equal values make queries one cluster; None if equal texts do.
    """

    queries: Mapping[str, Query]
    field: str | None = None

    def of(self, query_ids: Sequence[str]) -> Clusters | None:
        """Return the ``(n,)`` cluster of each query; None if each is a cluster of its own, or texts are unknown."""
        if not self.queries:
            return None
        numbers: dict[str, int] = {}
        found = [numbers.setdefault(self._label(query_id), len(numbers)) for query_id in query_ids]
        return np.array(found, dtype=np.int64) if len(numbers) < len(found) else None

    def _label(self, query_id: str) -> str:
        """Return what the queries of one cluster share; a query without it is alone."""
        query = self.queries.get(query_id)
        if query is None:
            return f"id {query_id}"
        value = query.text.strip() if self.field is None else query.fields.get(self.field, "")
        return f"value {value}" if value else f"id {query_id}"


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
    cluster_field
        Field whose equal values make queries one cluster; None if equal texts do.
    unjudged
        Whether unjudged documents may be relevant, as the configuration states.
    """

    dataset: str
    qrels: Qrels
    systems: Mapping[str, System]
    queries: Mapping[str, Query] = field(default_factory=dict)
    first_stage: Run | None = None
    depth: int | None = None
    cluster_field: str | None = None
    unjudged: Unjudged = "unknown"

    @property
    def query_clusters(self) -> QueryClusters:
        """Which queries are not independent."""
        return QueryClusters(self.queries, self.cluster_field)

    def clusters_of(self, query_ids: Sequence[str]) -> Clusters | None:
        """Return the ``(n,)`` cluster of each query; None if each is a cluster of its own, or texts are unknown."""
        return self.query_clusters.of(query_ids)

    def pair(self, baseline: str, contender: str, metric: str) -> Paired:
        """Return the paired values of two systems, with the clusters of their queries."""
        paired = pair(self.systems[baseline].values, self.systems[contender].values, metric)
        return replace(paired, clusters=self.clusters_of(paired.query_ids))


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
    clusters
        ``(n,)`` cluster of each query; None if all are independent.
    """

    query_ids: tuple[str, ...]
    baseline: NDArray[np.float64]
    contender: NDArray[np.float64]
    left_out: int
    clusters: Clusters | None = None

    @property
    def differences(self) -> NDArray[np.float64]:
        """``(n,)`` contender minus baseline."""
        return self.contender - self.baseline

    def restricted_to(self, query_ids: Sequence[str]) -> Paired:
        """Return the values of the given queries."""
        wanted = set(query_ids)
        rows = [row for row, query_id in enumerate(self.query_ids) if query_id in wanted]
        kept = tuple(self.query_ids[row] for row in rows)
        clusters = clusters_at(self.clusters, np.array(rows, dtype=np.int64))
        return Paired(kept, self.baseline[rows], self.contender[rows], 0, clusters)


def pair(baseline: MetricValues, contender: MetricValues, metric: str) -> Paired:
    """Return the values of one metric on the queries that both systems have."""
    row_of = {query_id: row for row, query_id in enumerate(contender.query_ids)}
    shared = tuple(query_id for query_id in baseline.query_ids if query_id in row_of)
    contender_rows = [row_of[query_id] for query_id in shared]
    kept = set(shared)
    baseline_rows = [row for row, query_id in enumerate(baseline.query_ids) if query_id in kept]
    left_out = len(baseline.query_ids) + len(contender.query_ids) - 2 * len(shared)
    return Paired(shared, baseline.of(metric)[baseline_rows], contender.of(metric)[contender_rows], left_out)
