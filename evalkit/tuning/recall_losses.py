"""Loss of recall at every threshold, for the candidates down to any depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import Clusters, clusters_at
from evalkit.tuning.threshold_choice import ScoredLists, effective_number, evenly_spaced


@dataclass(frozen=True, slots=True, eq=False)
class RecallLosses:
    """Mean loss of recall at every threshold.

    Attributes
    ----------
    thresholds
        ``(t,)`` ascending; documents with this score or more are kept.
    losses
        ``(t,)`` mean share of relevant candidates that is lost, over queries with a relevant candidate.
    queries, independent
        Number of these queries, and the effective number of independent ones.
    clustered
        Whether some of these queries are one cluster.
    """

    thresholds: NDArray[np.float64]
    losses: NDArray[np.float64]
    queries: int
    independent: int
    clustered: bool


@dataclass(frozen=True, slots=True, eq=False)
class RankedScores:
    """Scored candidates of some queries with their ranks, sorted once for all depths.

    Attributes
    ----------
    scores, ranks
        ``(r,)`` scores, ascending, and the rank of each candidate in the first stage.
    relevant_scores, relevant_ranks, relevant_query
        ``(h,)`` those of the relevant candidates, with the number of the query; scores ascending.
    queries
        Number of queries.
    clusters
        ``(queries,)`` cluster of each query; None if all are independent.
    """

    scores: NDArray[np.float64]
    ranks: NDArray[np.int64]
    relevant_scores: NDArray[np.float64]
    relevant_ranks: NDArray[np.int64]
    relevant_query: NDArray[np.int64]
    queries: int
    clusters: Clusters | None

    @classmethod
    def of(cls, lists: ScoredLists) -> RankedScores:
        """Return the candidates of lists; without ranks every depth has all candidates."""
        order = lists.scores.argsort()
        ranks = np.zeros(len(order), dtype=np.int64) if lists.ranks is None else lists.ranks
        hits = order[lists.relevant[order]]
        return cls(
            lists.scores[order],
            ranks[order],
            lists.scores[hits],
            ranks[hits],
            lists.owner[hits],
            len(lists),
            lists.clusters,
        )

    def losses(self, depth: int = 0) -> RecallLosses:
        """Return the losses if only the candidates down to a depth had been scored."""
        thresholds = evenly_spaced(self.scores[self.ranks <= depth])
        reached = self.relevant_ranks <= depth
        scores, query = self.relevant_scores[reached], self.relevant_query[reached]
        relevant = np.bincount(query, minlength=self.queries)
        usable = np.flatnonzero(relevant)
        recall = np.zeros(len(thresholds))
        # Counts of equally many relevant candidates are added up first: sums of integers have no rounding.
        size = relevant[query]
        for count in np.unique(size).tolist():
            of_size = scores[size == count]
            recall += (len(of_size) - np.searchsorted(of_size, thresholds)) / count
        clusters = clusters_at(self.clusters, usable)
        return RecallLosses(
            thresholds=thresholds,
            losses=1 - recall / max(len(usable), 1),
            queries=len(usable),
            independent=effective_number(len(usable), clusters),
            clustered=clusters is not None,
        )
