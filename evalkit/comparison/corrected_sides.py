"""One side of a corrected comparison of two versions: a system's values, from its rankings or from a saved baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from evalkit.comparison.comparison_set import Paired
from evalkit.comparison.correction import CorrectedValues, Correction, Draw, JudgedSide, Values
from evalkit.metrics import parse_metric
from evalkit.query_clusters import QueryClusters
from evalkit.records import Qrels, Run
from evalkit.stats import fill_failed

PARTS = ("human", "has_human", "judged", "has_judged")
"""The columns of `CorrectedValues`: those of the draw, then those of all queries."""


class CorrectedSide(Protocol):
    """A system with values under grades of people and under those of a judge."""

    @property
    def draw(self) -> Draw:
        """The draw and the grades."""

    @property
    def judge_tag(self) -> str:
        """Tag of the judge in the configuration; empty if it is unknown."""

    def unrated(self, metric: str, /) -> Iterable[tuple[str, str]]:
        """Return the pairs of drawn queries that people still have to judge: all that a metric counts."""

    def unanswered(self, metric: str, /) -> Iterable[tuple[str, str]]:
        """Return the pairs of all queries that the judge was never asked for."""

    def values(self, metric: str) -> CorrectedValues | None:
        """Return the values of a metric; None where some are unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPools:
    """The judge's grades that count for the systems of one dataset, the same for all of them.

    Attributes
    ----------
    correction
        The draw and the grades.
    runs
        The ranked lists of all systems. Those that people or the judge have not graded completely do not count, so that
        the others are compared as without them.
    """

    correction: Correction
    runs: tuple[Run, ...]
    _found: dict[str, Qrels] = field(default_factory=dict, repr=False)

    def grades(self, metric: str) -> Qrels:
        """Return the judge's grades of all that a metric counts in the systems that are graded completely."""
        if metric not in self._found:
            complete = [run for run in self.runs if self.correction.is_complete(run, metric)]
            self._found[metric] = self.correction.counted_grades(complete, metric)
        return self._found[metric]


@dataclass(frozen=True, slots=True, eq=False)
class RankedSide:
    """A system with its rankings.

    Attributes
    ----------
    pools
        The draw, and the grades that count for all systems of the dataset, of which it is one.
    run
        Its ranked lists.
    unscored
        Queries without scores.
    """

    pools: JudgedPools
    run: Run
    unscored: Sequence[str] = ()

    @property
    def draw(self) -> Draw:
        """The draw and the grades."""
        return self.pools.correction.draw

    @property
    def judge_tag(self) -> str:
        """Tag of the judge in the configuration."""
        return self.pools.correction.tag

    def unrated(self, metric: str, /) -> Iterable[tuple[str, str]]:
        """Return the pairs of drawn queries that people still have to judge: all that a metric counts."""
        return self.pools.correction.unrated([self.run], metric)

    def unanswered(self, metric: str, /) -> Iterable[tuple[str, str]]:
        """Return the pairs of all queries that the judge was never asked for."""
        return self.pools.correction.unanswered([self.run], metric)

    def values(self, metric: str) -> CorrectedValues | None:
        """Return the values; None where people or the judge have not graded all documents, or a query failed."""
        correction = self.pools.correction
        if parse_metric(metric).run_metric is not None or not correction.is_complete(self.run, metric):
            return None
        found = correction.values(self.run, self.unscored, metric, self.pools.grades(metric))
        return None if np.isnan(found.human).any() else found


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedSide:
    """Repeated runs of one system with one draw: the values of each query are averaged over the runs."""

    runs: tuple[CorrectedSide, ...]

    @property
    def draw(self) -> Draw:
        """The draw and the grades, which all runs share."""
        return self.runs[-1].draw

    @property
    def judge_tag(self) -> str:
        """Tag of the judge in the configuration."""
        return self.runs[-1].judge_tag

    def unrated(self, metric: str, /) -> Iterable[tuple[str, str]]:
        """Return the pairs of drawn queries that people still have to judge for any of the runs."""
        return dict.fromkeys(pair for one in self.runs for pair in one.unrated(metric))

    def unanswered(self, metric: str, /) -> Iterable[tuple[str, str]]:
        """Return the pairs that the judge was never asked for, of any of the runs."""
        return dict.fromkeys(pair for one in self.runs for pair in one.unanswered(metric))

    def values(self, metric: str) -> CorrectedValues | None:
        """Return the mean values; None where those of a run are unknown."""
        found = [values for one in self.runs if (values := one.values(metric)) is not None]
        if len(found) < len(self.runs):
            return None
        return CorrectedValues(*(sum(getattr(one, part) for one in found) / len(found) for part in PARTS))


@dataclass(frozen=True, slots=True, eq=False)
class SavedSide:
    """A system of a saved baseline: values without rankings, of the metrics whose documents were graded completely.

    Attributes
    ----------
    draw
        The draw and the grades.
    saved
        Metric -> values.
    """

    draw: Draw
    saved: Mapping[str, CorrectedValues]
    judge_tag: str = ""

    def unrated(self, _metric: str, /) -> Iterable[tuple[str, str]]:
        """Return no pair: what was not graded completely was not saved."""
        return ()

    def unanswered(self, _metric: str, /) -> Iterable[tuple[str, str]]:
        """Return no pair, likewise."""
        return ()

    def values(self, metric: str) -> CorrectedValues | None:
        """Return the values; None where they were not saved."""
        return self.saved.get(metric)


def saved_side(side: CorrectedSide, metrics: Sequence[str]) -> SavedSide | None:
    """Return the values of a side as a baseline keeps them; None where those of no metric are known."""
    found = {metric: values for metric in metrics if (values := side.values(metric)) is not None}
    if not found:
        return None
    return SavedSide(side.draw, found)


def pair_of_sides(
    draw: Draw, values: tuple[CorrectedValues, CorrectedValues], metric: str, clusters: QueryClusters
) -> Paired:
    """Return the values of the drawn queries under grades of people, with those of the judge, of two systems.

    A drawn query without a relevant document is in `Paired.judged` only. One that the judge failed on has its mean.
    """
    first, second = values
    averaged = first.has_human * second.has_human
    has_judged = fill_failed((first.has_judged * second.has_judged)[:, None])[:, 0]

    def filled(one: CorrectedValues) -> Values:
        return np.where(has_judged > 0, fill_failed(one.judged[:, None])[:, 0], 0.0)

    failed = np.isnan(first.has_judged) | np.isnan(second.has_judged)
    judged = JudgedSide(
        draw.judge,
        draw.query_ids,
        filled(first),
        filled(second),
        averaged,
        has_judged,
        clusters.of(draw.query_ids),
        draw.declared,
        frozenset(draw.query_ids[row] for row in np.flatnonzero(failed).tolist()),
        draw.enlarged,
    )
    rows = np.flatnonzero(averaged)
    query_ids = tuple(draw.drawn[row] for row in rows.tolist())
    return Paired(
        query_ids,
        first.human[rows],
        second.human[rows],
        int((first.has_human != second.has_human).sum()),
        clusters.of(query_ids),
        parse_metric(metric).limits,
        judged,
    )
