"""Does a reranker that is declared pointwise keep that promise? Asked before depths are derived from one pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evalkit.records import Dataset, Run
from evalkit.rerankers import Reranker
from evalkit.reranking import Batch, CallContext, Outcome, ScoredCandidates, batch, request_scores

SAMPLED_QUERIES = 5


@dataclass(slots=True)
class PointwiseCheck:
    """Some queries' first candidates, scored again in another batch and in reverse order.

    Attributes
    ----------
    reranker, dataset
        Which pair was checked.
    queries
        Queries compared.
    largest_difference
        Largest absolute difference between the two scores of a pair; None before any was compared.
    reordered_queries
        Queries whose ranking by the second scores is another one.
    """

    reranker: str
    dataset: str
    queries: int = 0
    largest_difference: float | None = None
    reordered_queries: int = 0

    def run(
        self, reranker: Reranker, dataset: Dataset, candidates: Run, scored: ScoredCandidates, seed: int
    ) -> Iterator[Outcome]:
        """Make the calls, comparing as they come back; yields them for the record."""
        first = _first_scores(scored)
        for again in _sample(candidates, dataset, seed):
            outcome = request_scores(reranker, again, CallContext(dataset.name, self.reranker, "check"))
            yield outcome
            if outcome.response is not None and again.request.query_id in first:
                before = first[again.request.query_id]
                self._compare(
                    again.request.doc_ids, [before[d] for d in again.request.doc_ids], outcome.response.scores
                )

    def _compare(self, doc_ids: tuple[str, ...], before: list[float], after: Any) -> None:
        difference = float(np.abs(np.asarray(before) - after).max())
        self.queries += 1
        self.largest_difference = max(difference, self.largest_difference or 0.0)
        same = [""] * len(doc_ids)
        rankings = [Run.from_rows("", same, doc_ids, scores).doc_ids for scores in (before, after)]
        self.reordered_queries += rankings[0] != rankings[1]


def _first_scores(scored: ScoredCandidates) -> dict[str, dict[str, float]]:
    scores: dict[str, dict[str, float]] = {}
    for query_id, doc_id, score in zip(scored.query_ids, scored.doc_ids, scored.scores.tolist(), strict=True):
        scores.setdefault(query_id, {})[doc_id] = score
    return scores


def _sample(candidates: Run, dataset: Dataset, seed: int) -> Iterator[Batch]:
    rng = np.random.default_rng(seed)
    chosen = set(rng.permutation(len(candidates.query_ids))[:SAMPLED_QUERIES].tolist())
    for index, whole in enumerate(batch(candidates, dataset, None, pointwise=True)):
        if index in chosen:
            request = whole.request
            reverse = replace(request, documents=request.documents[::-1], doc_ids=request.doc_ids[::-1])
            yield Batch(reverse, 1)
