"""The raw facts of an experiment: collected while it runs, written once at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from numpy.typing import NDArray

from evalkit.backend_checks import DependenceCheck, DriftCheck, PointwiseCheck, PrecisionCheck
from evalkit.experiment.journal import JournalRecord, failure_of
from evalkit.experiment.passage_view import passage_of
from evalkit.latency import CallKey, RoundState, call_key
from evalkit.records import Call, Run, Timeline, Usage
from evalkit.reranking import Outcome, ScoredCandidates
from evalkit.results.arrow_columns import repeated
from evalkit.results.folder import ResultFolder
from evalkit.results.manifest import CallCounts, Failure, QualityPass
from evalkit.results.parquet import to_table, write_table, write_tables
from evalkit.results.raw_tables import CALLS, PASSAGES, SCORES, STATIONS

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class WrittenTables:
    """A result folder whose raw tables `Recorder.write` has written."""

    folder: ResultFolder


@dataclass(slots=True)
class Recorder:
    """Scores, calls, failures and checks, in the order in which they were added.

    Attributes
    ----------
    quality_passes
        One for each dataset, reranker and pass.
    rounds
        State of the machine in each round of the latency pass.
    lowest_concurrency
        By reranker: fewest calls in flight after the server throttled.
    unsent_timings
        Timed calls of closed loops that were not sent, because their reranker was stopped.
    """

    calls: list[Call] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    quality_passes: list[QualityPass] = field(default_factory=list)
    pointwise_checks: list[PointwiseCheck] = field(default_factory=list)
    dependence_checks: list[DependenceCheck] = field(default_factory=list)
    precision_checks: list[PrecisionCheck] = field(default_factory=list)
    drift_checks: list[DriftCheck] = field(default_factory=list)
    rounds: list[RoundState] = field(default_factory=list)
    lowest_concurrency: dict[str, int] = field(default_factory=dict)
    unsent_timings: int = 0
    _scores: list[pa.Table] = field(default_factory=list)
    _passages: list[pa.Table] = field(default_factory=list)

    @classmethod
    def restored(cls, journal: Iterable[JournalRecord]) -> Recorder:
        """Return a recorder with the records of an unfinished run."""
        recorder = cls()
        for record in journal:
            if isinstance(record, Call):
                recorder.calls.append(record)
            elif isinstance(record, Failure):
                recorder.failures.append(record)
            elif isinstance(record, RoundState):
                recorder.rounds.append(record)
            elif isinstance(record, DependenceCheck):
                recorder.dependence_checks.append(record)
            else:
                recorder.pointwise_checks.append(record)
        return recorder

    def add_outcome(self, outcome: Outcome) -> None:
        """Add every call of a batch, and the failures among them."""
        for attempt in outcome.attempts:
            self.calls.append(attempt.call)
            if attempt.failure is not None:
                self.failures.append(failure_of(outcome, attempt.failure, attempt.call))
        if outcome.unsent is not None:
            context = outcome.context
            # In an open loop a call that is not sent is a result: the reranker was stopped at that rate.
            if context is not None and context.pass_ == "latency" and context.rate_per_s is None:
                self.unsent_timings += 1
            self.failures.append(failure_of(outcome, outcome.unsent, None))

    def timed(self, dataset: str) -> set[CallKey]:
        """Return the timed calls of a dataset that need no repetition.

        In the server scenario a failed call is a result too: the server did not answer under that load.
        """
        return {
            call_key(call)
            for call in self.calls
            if (call.pass_, call.dataset) == ("latency", dataset)
            and (call.status == "ok" or (call.scenario == "server" and call.status == "failed"))
        }

    def has_asked(self, tag: str) -> bool:
        """Return whether a call to the reranker has succeeded."""
        return any(call.reranker == tag and call.status == "ok" for call in self.calls)

    def has_checked(self, tag: str, dataset: str) -> bool:
        """Return whether the reranker's pointwise check was made on the dataset."""
        return any((check.reranker, check.dataset) == (tag, dataset) for check in self.pointwise_checks)

    def has_checked_dependence(self, tag: str) -> bool:
        """Return whether the reranker's dependence check was made to its end."""
        return any(check.reranker == tag and not check.failed for check in self.dependence_checks)

    def add_first_stage(self, dataset: str, candidates: Run) -> None:
        """Add the candidates with the scores of the first stage."""
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

    def add_run(self, dataset: str, run: Run) -> None:
        """Add a compared run: its documents are no candidates of the first stage, and have no rank there."""
        self._add_rows(
            dataset,
            run.tag,
            None,
            query_id=np.repeat(np.array(run.query_ids, dtype=object), np.diff(run.offsets)),
            doc_id=run.doc_ids,
            retriever_rank=[None] * len(run),
            score=run.scores,
            list_rank=[None] * len(run),
        )

    def add_scored(self, dataset: str, scored: ScoredCandidates, depth: int | None, pairs: int) -> None:
        """Add the scores that a reranker gave to candidates.

        Parameters
        ----------
        dataset, scored
            The dataset, and its scored candidates.
        depth
            Candidates per query; None where one pass serves every depth.
        pairs
            Query-document pairs that the reranker was asked about.
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
        self.quality_passes.append(
            QualityPass(
                dataset=dataset,
                reranker=scored.tag,
                depth=depth,
                asked=answered + len(scored.failed),
                scored=answered,
                failed=scored.failed,
                pairs=pairs,
                documents_placed_last=scored.missing,
                documents_ignored=scored.ignored,
            )
        )

    def add_passages(self, dataset: str, scored: ScoredCandidates, depth: int | None) -> None:
        """Add the scores that a reranker gave to passages; see `add_scored` for the depth."""
        rows, named = len(scored.doc_ids), [passage_of(one) for one in scored.doc_ids]
        columns = {
            "dataset": [dataset] * rows,
            "reranker": [scored.tag] * rows,
            "query_id": scored.query_ids,
            "doc_id": [doc_id for doc_id, _ in named],
            "passage": [number for _, number in named],
            "score": scored.scores,
            "depth": [depth] * rows,
        }
        self._passages.append(to_table(PASSAGES, columns))

    def scores_of(
        self, dataset: str, tag: str, depth: int
    ) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Return query id -> ranks in the candidate list and scores, of the pass at a depth or of one for all depths.

        Queries without scores are absent.
        """
        found: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        for table in self._scores:
            one = table.slice(0, 1).to_pylist()
            if not one or (one[0]["dataset"], one[0]["reranker"]) != (dataset, tag):
                continue
            if one[0]["depth"] not in {None, depth}:
                continue
            names = table["query_id"].to_pylist()
            ranks, scores = table["retriever_rank"].to_numpy(), table["score"].to_numpy()
            starts = [row for row, name in enumerate(names) if not row or name != names[row - 1]]
            for start, stop in pairwise([*starts, len(names)]):
                found[names[start]] = ranks[start:stop].astype(np.int64), scores[start:stop]
        return found

    def _add_rows(self, dataset: str, tag: str, depth: int | None, **columns: Any) -> None:
        """Add rows as an Arrow table, which takes a third of the memory of Python objects."""
        rows = len(columns["doc_id"])
        same = {"dataset": dataset, "reranker": tag, "depth": depth}
        of_rows = {name: repeated([value], [rows], SCORES[name]) for name, value in same.items()}
        self._scores.append(to_table(SCORES, {**of_rows, **columns}))

    @property
    def failed_queries(self) -> int:
        """Queries without scores, over all datasets, rerankers and depths."""
        return sum(len(one.failed) for one in self.quality_passes)

    @property
    def failed_timings(self) -> int:
        """Timed calls that failed and were not repeated, or were not sent."""
        failed: dict[str, set[CallKey]] = {}
        for call in self.calls:
            if (call.pass_, call.status) == ("latency", "failed"):
                failed.setdefault(call.dataset, set()).add(call_key(call))
        lacking = sum(len(calls - self.timed(dataset)) for dataset, calls in failed.items())
        return lacking + self.unsent_timings

    def count_calls(self) -> dict[str, CallCounts]:
        """Return reranker -> number of attempts by status."""
        counts: dict[str, Counter[str]] = {}
        for call in self.calls:
            counts.setdefault(call.reranker, Counter())[call.status] += 1
        return {
            tag: CallCounts(ok=own["ok"], retried=own["retried"], failed=own["failed"])
            for tag, own in counts.items()
        }

    def pairs_scored(self, dataset: str, tag: str) -> int:
        """Return how many pairs the calls of the quality pass scored."""
        return sum(
            call.batch_size
            for call in self.calls
            if (call.pass_, call.dataset, call.reranker, call.status) == ("quality", dataset, tag, "ok")
        )

    def write(self, folder: ResultFolder) -> WrittenTables:
        """Write the raw tables and the failures, once; the scores are then in the folder alone.

        Raises
        ------
        StorageError
            If a file cannot be written.
        """
        rows = [_row(call) for call in self.calls]
        columns = {name: [row[name] for row in rows] for name in CALLS}
        scores = self._scores or [to_table(SCORES, dict.fromkeys(SCORES, ()))]
        with folder.writing():
            write_tables(folder.scores_file, scores, inside=folder.path)
            write_table(folder.calls_file, CALLS, columns, inside=folder.path)
            if self._passages:
                write_tables(folder.passages_file, self._passages, inside=folder.path)
            folder.write_failures(self.failures)
        self._scores.clear()  # the report needs their room
        return WrittenTables(folder)


def _row(call: Call) -> Mapping[str, object]:
    """Return a call as a row of ``calls.parquet``."""
    server_times = {time.name: {"seconds": time.seconds, "of": time.meaning} for time in call.server_times}
    return {
        **_fields(call),
        **_fields(call.usage),
        **(_fields(call.timeline) if call.timeline else dict.fromkeys(STATIONS)),
        "scenario": call.scenario if call.pass_ in {"warmup", "latency"} else None,
        # Replaces Usage.cost_usd, which is the API's own figure even where a price is configured.
        "cost_usd": call.cost_usd,
        "server_times": orjson.dumps(server_times).decode() if server_times else None,
        "pass": call.pass_,
        "cached": False,
    }


def _fields(record: Call | Usage | Timeline) -> dict[str, object]:
    """Return name -> value of each field; `dataclasses.asdict` would copy the values, which takes long."""
    return {field.name: getattr(record, field.name) for field in fields(record)}
