"""Gathers the raw facts of an experiment and writes them once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from evalkit.backend_checks import PointwiseCheck, PrecisionCheck
from evalkit.experiment.journal import failure_row, read_call, read_check, read_round
from evalkit.latency import CallKey, RoundState, call_key
from evalkit.records import Call, Run
from evalkit.reranking import Outcome, ScoredCandidates
from evalkit.results.folder import CALLS, SCORES, STATIONS, ResultFolder
from evalkit.results.parquet import to_table, write_table, write_tables
from evalkit.store import JournalEntry

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(slots=True)
class Recorder:
    """Scores, calls and failures, in the order they came."""

    calls: list[Call] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    queries: list[dict[str, Any]] = field(default_factory=list)
    """Per dataset, reranker and pass: queries asked, scored, failed."""
    pointwise_checks: list[PointwiseCheck] = field(default_factory=list)
    precision_checks: list[PrecisionCheck] = field(default_factory=list)
    rounds: list[RoundState] = field(default_factory=list)
    """How the machine was in each round of the latency pass."""
    lowest_concurrency: dict[str, int] = field(default_factory=dict)
    """Per reranker: fewest calls in flight that the server's refusals left."""
    _scores: list[pa.Table] = field(default_factory=list)

    def add_outcome(self, outcome: Outcome) -> None:
        """Note every call of a batch, and each failure among them."""
        for attempt in outcome.attempts:
            self.calls.append(attempt.call)
            if attempt.failure is not None:
                self.failures.append(failure_row(outcome, attempt.failure, attempt.call))
        if outcome.unsent is not None:
            self.failures.append(failure_row(outcome, outcome.unsent, None))

    def restore(self, journal: Iterable[JournalEntry]) -> None:
        """Take up what an unfinished run had noted."""
        for entry in journal:
            if entry.kind == "call":
                self.calls.append(read_call(entry.content))
            elif entry.kind == "failure":
                self.failures.append(orjson.loads(entry.content))
            elif entry.kind == "round":
                self.rounds.append(read_round(entry.content))
            else:
                self.pointwise_checks.append(read_check(entry.content))

    def timed(self, dataset: str) -> set[CallKey]:
        """Return the timed calls of a dataset that need not be made again.

        Under a load a call that failed is a finding, too: it was not answered.
        """
        return {
            call_key(call)
            for call in self.calls
            if (call.pass_, call.dataset) == ("latency", dataset)
            and (call.status == "ok" or (call.scenario == "server" and call.status == "failed"))
        }

    def has_asked(self, tag: str) -> bool:
        """Return whether a reranker has answered before."""
        return any(call.reranker == tag and call.status == "ok" for call in self.calls)

    def has_checked(self, tag: str, dataset: str) -> bool:
        """Return whether a reranker's promise was checked on a dataset before."""
        return any((check.reranker, check.dataset) == (tag, dataset) for check in self.pointwise_checks)

    def add_first_stage(self, dataset: str, candidates: Run) -> None:
        """Note the candidates with the first stage's own scores."""
        lengths = np.diff(candidates.offsets)
        self._add_rows(
            dataset,
            candidates.tag,
            None,
            query_id=np.repeat(np.array(candidates.query_ids, dtype=object), lengths),
            doc_id=candidates.doc_ids,
            retriever_rank=np.arange(1, len(candidates) + 1) - np.repeat(candidates.offsets[:-1], lengths),
            score=candidates.scores,
            list_rank=[None] * len(candidates),
        )

    def add_scored(self, dataset: str, scored: ScoredCandidates, depth: int | None, pairs: int) -> None:
        """Note what a reranker gave to candidates; depth is None where one pass serves every depth.

        `pairs` is how many it was asked about.
        """
        self._add_rows(
            dataset,
            scored.tag,
            depth,
            query_id=scored.query_ids,
            doc_id=scored.doc_ids,
            retriever_rank=scored.retriever_rank,
            score=scored.scores,
            list_rank=scored.list_rank,
        )
        answered = len(set(scored.query_ids))
        self.queries.append(
            {
                "dataset": dataset,
                "reranker": scored.tag,
                "depth": depth,
                "asked": answered + len(scored.failed),
                "scored": answered,
                "failed": list(scored.failed),
                "pairs": pairs,
                "documents_placed_last": scored.missing,
            }
        )

    def _add_rows(self, dataset: str, tag: str, depth: int | None, **columns: Any) -> None:
        """Keep rows as Arrow has them: a third of what they take as Python's objects."""
        rows = len(columns["doc_id"])
        same = {"dataset": [dataset] * rows, "reranker": [tag] * rows, "depth": [depth] * rows}
        self._scores.append(to_table(SCORES, {**same, **columns}))

    @property
    def failed_queries(self) -> int:
        """Queries without scores, over all datasets, rerankers and depths."""
        return sum(len(entry["failed"]) for entry in self.queries)

    @property
    def failed_timings(self) -> int:
        """Timed calls that failed and were not made again."""
        failed: dict[str, set[CallKey]] = {}
        for call in self.calls:
            if (call.pass_, call.status) == ("latency", "failed"):
                failed.setdefault(call.dataset, set()).add(call_key(call))
        return sum(len(calls - self.timed(dataset)) for dataset, calls in failed.items())

    def count_calls(self) -> dict[str, dict[str, int]]:
        """Return reranker -> attempts that were ok, retried and failed."""
        counts: dict[str, dict[str, int]] = {}
        for call in self.calls:
            counts.setdefault(call.reranker, {"ok": 0, "retried": 0, "failed": 0})[call.status] += 1
        return counts

    def pairs_scored(self, dataset: str, tag: str) -> int:
        """Return how many pairs the calls of the quality pass scored."""
        return sum(
            call.batch_size
            for call in self.calls
            if (call.pass_, call.dataset, call.reranker, call.status) == ("quality", dataset, tag, "ok")
        )

    def write(self, folder: ResultFolder) -> None:
        """Write the raw tables."""
        rows = [_row(call) for call in self.calls]
        with folder.writing():
            write_tables(folder.scores_file, self._scores or [to_table(SCORES, dict.fromkeys(SCORES, ()))])
            write_table(folder.calls_file, CALLS, {name: [row[name] for row in rows] for name in CALLS})
            folder.write_failures(self.failures)


def _row(call: Call) -> dict[str, Any]:
    """Return a call as a row of ``calls.parquet``."""
    told = {time.name: {"seconds": time.seconds, "of": time.meaning} for time in call.server_times}
    return {
        **asdict(call),
        **asdict(call.usage),
        **(asdict(call.timeline) if call.timeline else dict.fromkeys(STATIONS)),
        "scenario": call.scenario if call.pass_ in {"warmup", "latency"} else None,
        # The API's own figure stands in cost_usd where no price is configured.
        "cost_usd": call.cost_usd,
        "server_times": orjson.dumps(told).decode() if told else None,
        "pass": call.pass_,
        "cached": False,
    }
