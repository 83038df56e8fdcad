"""The values of queries at every depth, under grades of people alone or with those of a judge that they correct."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.gate_verdicts import RuleFinding
from evalkit.comparison.looks import confidence_at, level
from evalkit.comparison.plan import Corrected
from evalkit.records import SHARES
from evalkit.stats import (
    Clusters,
    CorrectedMeans,
    Interval,
    bounded_interval,
    clusters_at,
    corrected_means,
    count_clusters,
    paired_interval,
)
from evalkit.stats.intervals import student_interval
from evalkit.stats.weighted import UNBOUNDED
from evalkit.tuning.depth_check import CONFIDENCE, check_loss
from evalkit.tuning.query_split import Split

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class JudgedDepths:
    """Values under the grades of one judge, with which people's values of a random draw are corrected.

    Attributes
    ----------
    judge
        Name of the judge.
    values
        ``(n + N, 1 + d)`` of the n drawn queries in their order, then of N others; see `DepthValues`.
    others
        Rows of the N others in each half, from 0 to N - 1: a choice on one half has seen none of the other half.
    clusters
        ``(n + N,)`` cluster of each query: no cluster has drawn and other queries. None if all are independent.
    answerable
        ``(n,)`` 1 for drawn queries with a relevant document under people's grades, else 0; and ``(n + N,)`` the same
        for all queries under the judge's; see `corrected_means`. None if every query has one.
    ungraded
        ``(n + N,)`` whether the judge failed on every document of a query; None if it did so for none.
    declared, enlarged
        See `evalkit.comparison.correction.Correction`.
    """

    judge: str
    values: Values
    others: Split
    clusters: Clusters | None = None
    answerable: tuple[Values, Values] | None = None
    ungraded: NDArray[np.bool_] | None = None
    declared: bool = False
    enlarged: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class DepthValues:
    """Values of queries at depth 0, which is the first stage alone, and at depths 1 to d.

    Attributes
    ----------
    values
        ``(n, 1 + d)`` under the grades that count: those of people, where a judge's are known. Means are over the
        queries with a relevant document; others are 0.
    clusters
        ``(n,)`` cluster of each query; None if all are independent.
    judged
        ``(n + N, 1 + d)`` under the grades of the judge, first of the same n queries; None without a judge.
    judged_clusters
        ``(n + N,)``; None if all are independent.
    answerable
        See `JudgedDepths`.
    enlarged
        How often the draw was enlarged after people had judged: each time halves the levels of tests and intervals.
    """

    values: Values
    clusters: Clusters | None = None
    judged: Values | None = None
    judged_clusters: Clusters | None = None
    answerable: tuple[Values, Values] | None = None
    enlarged: int = 0

    @classmethod
    def of(
        cls, values: Values, clusters: Clusters | None = None, judged: JudgedDepths | None = None
    ) -> DepthValues:
        """Return the values of all queries."""
        if judged is None:
            return cls(values, clusters)
        return cls(values, clusters, judged.values, judged.clusters, judged.answerable, judged.enlarged)

    def part(self, rows: NDArray[np.int64], others: NDArray[np.int64] | None = None) -> DepthValues:
        """Return the values of some rows, and of some of the N queries with values of the judge alone."""
        found = self.values[rows], clusters_at(self.clusters, rows)
        if self.judged is None or others is None:
            return DepthValues(*found)
        every = np.concatenate([rows, len(self.values) + others])
        answerable = self.answerable and (self.answerable[0][rows], self.answerable[1][every])
        of_judge = self.judged[every], clusters_at(self.judged_clusters, every)
        return DepthValues(*found, *of_judge, answerable, self.enlarged)

    @property
    def counted(self) -> DepthValues:
        """The values of the queries in the means alone, under the grades that count."""
        if self.answerable is None:
            return DepthValues(self.values, self.clusters)
        return DepthValues(self.values, self.clusters).part(np.flatnonzero(self.answerable[0]))

    @property
    def queries(self) -> int:
        """The number of queries in the means."""
        return len(self.counted.values)

    @property
    def independent(self) -> int:
        """The number of clusters of the queries in the means."""
        return count_clusters(self.counted.clusters, self.queries)

    def corrected(self, depth: int, over: int | None = None) -> CorrectedMeans | None:
        """Return the corrected mean at a depth, or its difference over another one; None without a judge."""
        if self.judged is None or not self.queries:
            return None
        human, judged = (
            part[:, [depth]] - (0.0 if over is None else part[:, [over]])
            for part in (self.values, self.judged)
        )
        # `queries_for_margin` is what protects a depth from losses that the draw has none of.
        return corrected_means(human, judged, self.judged_clusters, self.answerable, UNBOUNDED)

    def means(self) -> Values:
        """Return the ``(d,)`` means of depths 1 to d.

        With a judge each is the mean at the deepest depth and the corrected difference to it: the differences of
        depths are known more exactly than the means.
        """
        if self.judged is None or not self.queries:
            values = self.counted.values[:, 1:]
            return np.asarray(values.mean(axis=0)) if len(values) else np.empty(0)
        deepest = self.values.shape[1] - 1
        found = [self.corrected(depth, deepest) for depth in range(1, deepest + 1)]
        last = self.corrected(deepest)
        level = 0.0 if last is None else float(last.means[0])
        return np.array([level + (0.0 if one is None else float(one.means[0])) for one in found])

    def mean(self, depth: int) -> Interval:
        """Return the mean at a depth with its interval."""
        found = self.corrected(depth)
        if found is None:
            counted = self.counted
            return bounded_interval(counted.values[:, depth], clusters=counted.clusters)
        return self._interval(found, SHARES.lowest, SHARES.highest)

    def gain(self, depth: int, over: int) -> Interval:
        """Return the mean difference of a depth over another one with its interval."""
        found = self.corrected(depth, over)
        if found is None:
            counted = self.counted
            return paired_interval(
                counted.values[:, over], counted.values[:, depth], clusters=counted.clusters
            )
        return self._interval(found, -SHARES.width, SHARES.width)

    def loss(self, depth: int, reference: int, margin: float, alpha: float) -> RuleFinding:
        """Return whether a depth loses no more than a margin to a reference depth; see `check_loss`.

        `alpha` is the level of a draw that was never enlarged.
        """
        counted, corrected = self.counted, self.corrected(depth, reference)
        differences = counted.values[:, depth] - counted.values[:, reference]
        return check_loss(differences, margin, level(alpha, self.enlarged), counted.clusters, corrected)

    def basis(self, depth: int, over: int, judged: JudgedDepths) -> Corrected | None:
        """Return what the difference of two depths rests on; None without a judge."""
        found = self.corrected(depth, over)
        if found is None:
            return None
        ungraded = (
            np.zeros(len(judged.values), dtype=np.bool_) if judged.ungraded is None else judged.ungraded
        )
        return Corrected(
            judge=judged.judge,
            human=found.n,
            judged_only=found.judged_only - int(ungraded[found.n :].sum()),
            weight=float(found.weights[0]),
            too_rarely_wrong=bool(found.too_rarely_wrong[0]),
            declared=judged.declared,
            ungraded=int(ungraded.sum()),
            ungraded_drawn=int(ungraded[: found.n].sum()),
            enlarged=self.enlarged,
        )

    def _interval(self, corrected: CorrectedMeans, lowest: float, highest: float) -> Interval:
        """Return the interval of a corrected mean, whose bounds are cut at the ends of what is possible."""
        found = student_interval(corrected.of(0), confidence_at(CONFIDENCE, self.enlarged))
        if found.lower is None or found.upper is None:
            return found
        return replace(found, lower=max(found.lower, lowest), upper=min(found.upper, highest))
