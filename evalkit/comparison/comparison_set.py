"""The input of a comparison: systems on one dataset, and the paired values of two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.correction import Correction, JudgedSide
from evalkit.metrics import parse_metric
from evalkit.query_clusters import QueryClusters
from evalkit.records import (
    SHARES,
    BelowDepth,
    Coverage,
    JudgedBy,
    MetricValues,
    Qrels,
    Query,
    QuerySample,
    Run,
    Unjudged,
    ValueRange,
)
from evalkit.stats import MIN_QUERIES, Clusters, are_shares, clusters_at

_ROUNDING = 1e-12
"""Values that differ by less, relative to the larger one, are equal."""


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
    own_candidates
        Whether it ranks candidates of its own, as a run of another engine does, and not those of the first stage: then
        it has no depth.
    reranked
        The part of `run` that the system was given; None if that is all of it. The other documents are candidates
        below the depth: they have a place in the ranking, and no score.
    coverage
        Which of the judged queries its file has; None for rankings that evalkit made.
    missing_as_zero
        Whether it is stated that the engine returned nothing for the queries that the file lacks.
    """

    name: str
    run: Run
    values: MetricValues
    unscored: tuple[str, ...] = ()
    placed_last: Mapping[str, frozenset[str]] | None = field(default_factory=dict)
    own_candidates: bool = False
    reranked: Run | None = None
    coverage: Coverage | None = None
    missing_as_zero: bool = False

    @property
    def scores(self) -> Run:
        """The run without candidates below the depth."""
        return self.run if self.reranked is None else self.reranked


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
        Most candidates per query that are reranked; None if the runs do not share a first stage.
    cluster_field
        Field whose equal values make queries one cluster; None if equal texts do.
    unjudged
        Whether unjudged documents may be relevant, as the configuration states.
    below_depth
        What becomes of the candidates below the depth.
    sent
        Query id -> ``(n,)`` number of passages of each candidate, where rerankers score passages; None where they score
        documents.
    sample
        How the queries were drawn from a log; None if no field has it.
    judged_by
        Whose grades the judgments are.
    correction
        The draw and the grades that comparisons are corrected with; None where there are none.
    withheld
        Why people's grades of a draw correct nothing, as a sentence; None where nothing speaks against it.
    from_records
        Whether named people or models gave any of the judgments, document by document: then unjudged candidates are
        those that were not asked about, and may be relevant.
    to_decide
        Number of queries that are drawn for people and whose grades would decide, with those of a judge; 0 without any.
    query_clusters
        Which queries are not independent.
    """

    dataset: str
    qrels: Qrels
    systems: Mapping[str, System]
    queries: Mapping[str, Query] = field(default_factory=dict)
    first_stage: Run | None = None
    depth: int | None = None
    cluster_field: str | None = None
    unjudged: Unjudged = "unknown"
    below_depth: BelowDepth = "dropped"
    sent: Mapping[str, NDArray[np.int64]] | None = None
    sample: QuerySample | None = None
    judged_by: JudgedBy = "human"
    correction: Correction | None = None
    withheld: str | None = None
    from_records: bool = False
    to_decide: int = 0
    query_clusters: QueryClusters = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found = QueryClusters.of_queries(self.queries, self.cluster_field)
        object.__setattr__(self, "query_clusters", found)

    @property
    def unjudged_queries(self) -> int:
        """Number of known queries of which no document is judged: they are in no mean."""
        return sum(query_id not in self.qrels.grades for query_id in self.queries)

    @property
    def synthetic_queries(self) -> int:
        """Number of queries that a model wrote."""
        return sum(query.is_synthetic for query in self.queries.values())

    @property
    def rests_on_synthetic(self) -> bool:
        """Whether a model wrote most queries, or too few of the others are left for a verdict of their own."""
        return rests_on_synthetic(len(self.queries), self.synthetic_queries)

    @property
    def longest_list(self) -> int:
        """The most candidates of a query, 0 where there are none or they are unknown."""
        return 0 if self.first_stage is None else int(np.diff(self.first_stage.offsets).max(initial=0))

    @property
    def deepest(self) -> int | None:
        """The most candidates that are reranked for a query: lists may be shorter than the depth."""
        return self.depth if self.depth is None else min(self.depth, self.longest_list or self.depth)

    def sent_at_depths(self, deepest: int) -> NDArray[np.int64]:
        """Return ``(q, deepest)`` texts that a reranker scores of the first 1 to `deepest` candidates of each query.

        They are the candidates, or their passages where these are known.
        """
        if self.sent is None:
            offsets = np.zeros(1, np.int64) if self.first_stage is None else self.first_stage.offsets
            return np.minimum(np.diff(offsets)[:, None], np.arange(1, deepest + 1))
        counts = self.sent.values()
        rows = [np.cumsum(np.pad(one[:deepest], (0, max(0, deepest - len(one))))) for one in counts]
        return np.array(rows, dtype=np.int64).reshape(len(rows), deepest)

    def clusters_of(self, query_ids: Sequence[str]) -> Clusters | None:
        """Return the ``(n,)`` cluster of each query; None if each is a cluster of its own, or texts are unknown."""
        return self.query_clusters.of(query_ids)

    @property
    def own_candidates(self) -> tuple[str, ...]:
        """Names of the systems with candidates of their own: `depth` does not apply to them."""
        return tuple(name for name, system in self.systems.items() if system.own_candidates)

    def with_known(self, metric: str) -> ComparisonSet:
        """Return the comparison set without the judgments of queries for which a system has no value of a metric.

        Tuning compares many rankings of the same queries, so that each of them needs a value.
        """
        unknown = {
            query_id
            for one in self.systems.values()
            if metric in one.values.metrics
            for query_id in set(one.values.query_ids).difference(one.values.by_query(metric))
        }
        if not unknown:
            return self
        return replace(self, qrels=self.qrels.restricted_to(q for q in self.qrels.grades if q not in unknown))

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
    limits
        The range of the metric.
    judged
        The values under grades of a judge, which those of this record, under grades of people, correct; None where
        there are none.
    """

    query_ids: tuple[str, ...]
    baseline: NDArray[np.float64]
    contender: NDArray[np.float64]
    left_out: int
    clusters: Clusters | None = None
    limits: ValueRange = SHARES
    judged: JudgedSide | None = None

    @property
    def all_query_ids(self) -> tuple[str, ...]:
        """The queries, and those with values of a judge alone."""
        return self.query_ids if self.judged is None else self.judged.query_ids

    @property
    def enlarged(self) -> int:
        """How often the draw for people was enlarged after they had judged; see `evalkit.comparison.looks`."""
        return 0 if self.judged is None else self.judged.enlarged

    @property
    def differs(self) -> bool:
        """Whether any query has a difference, under grades of a judge alone, or may have one under those of people."""
        side = self.judged
        return bool(self.differences.any() or (side is not None and (side.differences.any() or side.unlike)))

    @property
    def differences(self) -> NDArray[np.float64]:
        """``(n,)`` contender minus baseline; 0 where they differ by rounding alone."""
        found = self.contender - self.baseline
        largest = np.maximum(np.abs(self.contender), np.abs(self.baseline))
        return np.where(np.abs(found) <= _ROUNDING * largest, 0.0, found)

    @property
    def is_binary(self) -> bool:
        """Whether all values are 0 or 1, and these are the ends of the range."""
        return are_shares(self.baseline, self.contender, self.limits)

    def restricted_to(self, query_ids: Sequence[str]) -> Paired:
        """Return the values of the given queries."""
        wanted = set(query_ids)
        rows = [row for row, query_id in enumerate(self.query_ids) if query_id in wanted]
        kept = tuple(self.query_ids[row] for row in rows)
        clusters = clusters_at(self.clusters, np.array(rows, dtype=np.int64))
        return Paired(kept, self.baseline[rows], self.contender[rows], 0, clusters, self.limits)


def pair(baseline: MetricValues, contender: MetricValues, metric: str) -> Paired:
    """Return the values of one metric on the queries for which both systems have one."""
    mine, theirs = baseline.of(metric), contender.of(metric)
    known = int((~np.isnan(mine)).sum() + (~np.isnan(theirs)).sum())
    rows = np.arange(len(mine))
    if baseline.query_ids != contender.query_ids:
        row_of = {query_id: row for row, query_id in enumerate(contender.query_ids)}
        found = np.fromiter((row_of.get(q, -1) for q in baseline.query_ids), np.int64, len(mine))
        rows = np.flatnonzero(found >= 0)
        theirs = theirs[found[rows]]
    both = ~np.isnan(mine[rows]) & ~np.isnan(theirs)
    rows, theirs = rows[both], theirs[both]
    shared = tuple([baseline.query_ids[row] for row in rows.tolist()])
    if len(shared) == len(baseline.query_ids):
        shared = baseline.query_ids  # one object for all pairs is compared faster
    left_out = known - 2 * len(shared)
    return Paired(shared, mine[rows], theirs, left_out, limits=parse_metric(metric).limits)


def rests_on_synthetic(queries: int, written: int) -> bool:
    """Return whether a model wrote most queries, or too few of the others are left for a verdict of their own."""
    others = queries - written
    return written > 0 and others < max(MIN_QUERIES, written)
