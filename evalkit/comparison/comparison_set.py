"""What is compared: systems on one dataset, and two of them query by query."""

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
        How it is called in this comparison.
    run
        Its ranked lists.
    values
        Per averaged query; a query without scores has no row.
    unscored
        Queries without scores: a failure is never a value.
    """

    name: str
    run: Run
    values: MetricValues
    unscored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonSet:
    """The systems that meet on one dataset.

    Attributes
    ----------
    dataset
        Name.
    qrels
        The judgments all of them are held against.
    systems
        Name -> system.
    queries
        Query id -> text and further fields, where they are known.
    first_stage
        The candidates' own order, where it is known.
    depth
        Candidates per query; None where the runs do not come from one first stage.
    """

    dataset: str
    qrels: Qrels
    systems: Mapping[str, System]
    queries: Mapping[str, Query] = field(default_factory=dict)
    first_stage: Run | None = None
    depth: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """The values of two systems on the queries that both have.

    Attributes
    ----------
    query_ids
        ``(n,)``.
    baseline, contender
        ``(n,)`` values.
    left_out
        Queries that only one of them has a value for.
    """

    query_ids: tuple[str, ...]
    baseline: NDArray[np.float64]
    contender: NDArray[np.float64]
    left_out: int

    @property
    def differences(self) -> NDArray[np.float64]:
        """``(n,)`` contender minus baseline."""
        return self.contender - self.baseline

    def only(self, query_ids: Sequence[str]) -> Paired:
        """Return the part of some queries."""
        wanted = set(query_ids)
        rows = [row for row, query_id in enumerate(self.query_ids) if query_id in wanted]
        kept = tuple(self.query_ids[row] for row in rows)
        return Paired(kept, self.baseline[rows], self.contender[rows], 0)


def pair(baseline: MetricValues, contender: MetricValues, metric: str) -> Paired:
    """Put the values of one metric side by side."""
    place = {query_id: row for row, query_id in enumerate(contender.query_ids)}
    shared = tuple(query_id for query_id in baseline.query_ids if query_id in place)
    rows = [place[query_id] for query_id in shared]
    kept = set(shared)
    own = [row for row, query_id in enumerate(baseline.query_ids) if query_id in kept]
    left_out = len(baseline.query_ids) + len(contender.query_ids) - 2 * len(shared)
    return Paired(shared, baseline.of(metric)[own], contender.of(metric)[rows], left_out)
