"""Gathers the raw facts of an experiment and writes them once."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import orjson

from evalkit.checking import PointwiseCheck
from evalkit.errors import CallError
from evalkit.experiment.folder import CALLS, SCORES, ResultFolder, write_table
from evalkit.records import Call, Run
from evalkit.reranking import Outcome, ScoredCandidates


@dataclass(slots=True)
class Recorder:
    """Scores, calls and failures, in the order they came."""

    calls: list[Call] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    queries: list[dict[str, Any]] = field(default_factory=list)
    """Per dataset, reranker and pass: queries asked, scored, failed."""
    pointwise_checks: list[PointwiseCheck] = field(default_factory=list)
    lowest_concurrency: dict[str, int] = field(default_factory=dict)
    """Per reranker: fewest calls in flight that the server's refusals left."""
    _scores: list[dict[str, Any]] = field(default_factory=list)

    def add_outcome(self, outcome: Outcome) -> None:
        """Note every call of a batch, and each failure among them."""
        for attempt in outcome.attempts:
            self.calls.append(attempt.call)
            if attempt.failure is not None:
                self._add_failure(outcome, attempt.failure, attempt.call)
        if outcome.unsent is not None:
            self._add_failure(outcome, outcome.unsent, None)

    def _add_failure(self, outcome: Outcome, failure: CallError, call: Call | None) -> None:
        request = outcome.batch.request
        self.failures.append(
            {
                "dataset": call.dataset if call else None,
                "reranker": call.reranker if call else None,
                "query_id": request.query_id,
                "pass": call.pass_ if call else None,
                "batch_size": call.batch_size if call else len(request.documents),
                "attempt": call.attempt if call else None,
                "status": call.status if call else "not sent",
                "kind": failure.kind,
                "message": failure.message,
                "http_status": failure.http_status,
                "body": failure.body,
            }
        )

    def add_first_stage(self, dataset: str, candidates: Run) -> None:
        """Note the candidates with the first stage's own scores."""
        for query_id, docs, scores in candidates:
            self._add_rows(
                dataset,
                candidates.tag,
                [query_id] * len(docs),
                docs,
                np.arange(1, len(docs) + 1),
                scores,
                [None] * len(docs),
                None,
            )

    def add_scored(self, dataset: str, scored: ScoredCandidates, depth: int | None) -> None:
        """Note what a reranker gave to candidates; depth is None where one pass serves every depth."""
        columns = (scored.query_ids, scored.doc_ids, scored.retriever_rank, scored.scores, scored.list_rank)
        self._add_rows(dataset, scored.tag, *columns, depth)
        answered = len(set(scored.query_ids))
        self.queries.append(
            {
                "dataset": dataset,
                "reranker": scored.tag,
                "depth": depth,
                "asked": answered + len(scored.failed),
                "scored": answered,
                "failed": list(scored.failed),
                "documents_placed_last": scored.missing,
            }
        )

    def _add_rows(self, dataset: str, tag: str, *columns: Any) -> None:
        query_ids, doc_ids, ranks, scores, list_rank, depth = columns
        rows = len(doc_ids)
        self._scores.append(
            {
                "dataset": [dataset] * rows,
                "reranker": [tag] * rows,
                "query_id": list(query_ids),
                "doc_id": list(doc_ids),
                "retriever_rank": ranks.tolist(),
                "score": scores.tolist(),
                "list_rank": list(list_rank),
                "depth": [depth] * rows,
            }
        )

    @property
    def failed_queries(self) -> int:
        """Queries without scores, over all datasets, rerankers and depths."""
        return sum(len(entry["failed"]) for entry in self.queries)

    def failed_calls(self) -> Counter[str]:
        """Return reranker -> failed calls."""
        return Counter(call.reranker for call in self.calls if call.status == "failed")

    def write(self, folder: ResultFolder) -> None:
        """Write the raw tables."""
        scores = {name: [value for part in self._scores for value in part[name]] for name in SCORES}
        write_table(folder.scores_file, SCORES, scores)
        rows = [_row(call) for call in self.calls]
        write_table(folder.calls_file, CALLS, {name: [row[name] for row in rows] for name in CALLS})
        folder.write_failures(self.failures)


def _row(call: Call) -> dict[str, Any]:
    """Return a call as a row of ``calls.parquet``."""
    told = {time.name: {"seconds": time.seconds, "of": time.meaning} for time in call.server_times}
    return {
        **asdict(call),
        **asdict(call.usage),
        # The API's own figure stands in cost_usd where no price is configured.
        "cost_usd": call.cost_usd,
        "server_times": orjson.dumps(told).decode() if told else None,
        "pass": call.pass_,
        "cached": False,
    }
