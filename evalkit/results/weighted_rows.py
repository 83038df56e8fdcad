"""Rows of ``comparisons.json``: means of the populations that queries were drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from evalkit.results.json_shapes import JsonObject, Key, Mean
from evalkit.stats import Interval

Population = Literal["traffic", "distinct queries"]
"""Whose mean is estimated: that of all searches of the log, or of its different queries."""
PlainMean = Literal["traffic", "distinct queries", "both", "neither"]
Withheld = Literal["few queries", "skewed frequencies", "unjudged queries"]
"""Why a mean has no interval."""


@dataclass(frozen=True, slots=True)
class WeightedRow(JsonObject):
    """The primary metric of one system over one population.

    Attributes
    ----------
    mean
        Estimated mean of the population.
    difference
        Mean paired difference to the baseline, over the queries with a value of both; None for the baseline.
    corrected
        True where the population's mean is the plain one, and people's grades correct it; else None.
    """

    system: str
    mean: Mean
    difference: Mean | None
    corrected: Annotated[bool | None, Key(omit_none=True)] = None


@dataclass(frozen=True, slots=True)
class PopulationMeans:
    """The means of one population.

    Attributes
    ----------
    effective_queries
        Number of equally weighted queries that would be as informative, ``(sum w)**2 / sum w**2``; of clusters, where
        queries are not independent.
    effective_by_chance
        The same without the queries that every draw has: what intervals rest on. None if there are no others.
    largest_weight
        Share of the largest weight of a query in the sum.
    withheld
        Why there are no intervals; None where there are. ``skewed frequencies``: the draw did not regard frequencies,
        or has too few queries for their spread, so that it may lack the few queries with most of the traffic;
        ``unjudged queries``: those that are not judged may have most of the traffic.
    rows
        One for each system, the baseline first.
    """

    effective_queries: float
    effective_by_chance: float | None
    largest_weight: float
    withheld: Withheld | None
    rows: tuple[WeightedRow, ...]

    def change_of(self, system: str) -> Interval | None:
        """Return the difference of a system to the baseline; None for the baseline, and where there is none."""
        found = self.row_of(system)
        return None if found is None else found.difference

    def row_of(self, system: str) -> WeightedRow | None:
        """Return the means of a system; None where it has none."""
        return next((row for row in self.rows if row.system == system), None)


@dataclass(frozen=True, slots=True)
class WeightedMeans:
    """Means over populations of queries, on the primary metric.

    Attributes
    ----------
    plain_mean
        Whose mean the plain mean over the queries is, by their weights.
    nearly
        Whether the weights of that population differ a little, so that the plain mean is only close to it.
    queries
        Number of queries.
    certain
        Queries that the draw took with certainty; None if the inclusion probabilities are not known.
    traffic_mean, distinct_query_mean
        Traffic: weights are frequency / inclusion probability; None if the frequencies are not known. Distinct queries:
        weights are 1 / inclusion probability.
    is_indication
        Whether some rest on grades of models, too: people's correct no mean with unequal weights.
    """

    plain_mean: PlainMean
    nearly: bool
    queries: int
    certain: int | None
    traffic_mean: PopulationMeans | None
    distinct_query_mean: PopulationMeans
    is_indication: bool = False

    @property
    def populations(self) -> Mapping[Population, PopulationMeans]:
        """The populations whose means are known."""
        distinct: dict[Population, PopulationMeans] = {"distinct queries": self.distinct_query_mean}
        return distinct if self.traffic_mean is None else {"traffic": self.traffic_mean, **distinct}
