"""What an experiment knows already, and what it must not forget: the store, seen from the passes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from evalkit.checking import PointwiseCheck
from evalkit.config import Config
from evalkit.errors import StorageError
from evalkit.experiment.arenas import Arena
from evalkit.experiment.notes import failure_row, note
from evalkit.records import Run
from evalkit.reranking import Arm, Outcome, Row, list_ranks_of
from evalkit.store import JournalEntry, ScoreStore, identity_of


@dataclass(slots=True)
class Reused:
    """Scores of one dataset and reranker that did not have to be asked for.

    Attributes
    ----------
    pairs
        From before this experiment.
    oldest_s
        When the oldest of them was stored, in seconds since 1970; None where there is none.
    resumed_pairs
        From this experiment, before it was stopped.
    """

    pairs: int = 0
    oldest_s: float | None = None
    resumed_pairs: int = 0


@dataclass(slots=True)
class Memory:
    """The store of one experiment.

    Attributes
    ----------
    path
        Where the store is, or will be.
    identities
        Tag -> identity of its backend; those whose scores are looked up anyway are absent.
    refresh
        Whether scores from before this experiment are asked for again.
    run
        The result folder, under which calls are noted until they stand in its tables.
    started_s
        When the experiment began, in seconds since 1970.
    reused
        (dataset, tag) -> what was recalled.
    """

    path: Path
    identities: dict[str, str]
    refresh: bool
    store: ScoreStore | None = None
    run: str = ""
    started_s: float = field(default_factory=time.time)
    reused: dict[tuple[str, str], Reused] = field(default_factory=dict)
    _lock: FileLock | None = None

    def open(self) -> ScoreStore:
        """Open the store, made if need be, alone: another experiment that shares it waits for its turn.

        Raises
        ------
        StorageError
            If the store cannot be used.
        """
        if self.store is None:
            self._lock = _lock(self.path)
            self.store = ScoreStore(self.path)
        return self.store

    def close(self) -> None:
        """Leave the store to others."""
        if self.store is not None:
            self.store.close()
        if self._lock is not None:
            self._lock.release()

    def journal(self) -> list[JournalEntry]:
        """Return what the run has noted so far."""
        return self.store.journal(self.run) if self.store else []

    def finish(self) -> None:
        """Drop the journal: everything in it stands in the tables of the result folder."""
        if self.store is not None:
            self.store.forget_run(self.run)

    def rows(self, tag: str, arena: Arena, candidates: Run, *, pointwise: bool) -> dict[str, Row]:
        """Return the known scores of every list that has any."""
        return {query_id: row for query_id, row, _ in self._rows(tag, arena, candidates, pointwise=pointwise)}

    def recall(self, arm: Arm, arena: Arena, candidates: Run) -> dict[str, Row]:
        """Return the known scores of every list that has any, and count them."""
        rows: dict[str, Row] = {}
        counted = self.reused.setdefault((arena.dataset.name, arm.tag), Reused())
        found = self._rows(arm.tag, arena, candidates, pointwise=arm.reranker.pointwise)
        for query_id, row, times in found:
            rows[query_id] = row
            before = [stored_s for stored_s in times if stored_s < self.started_s]
            counted.pairs += len(before)
            counted.resumed_pairs += len(times) - len(before)
            counted.oldest_s = min([*before, *([counted.oldest_s] if counted.oldest_s else [])], default=None)
        return rows

    def _rows(
        self, tag: str, arena: Arena, candidates: Run, *, pointwise: bool
    ) -> Iterator[tuple[str, Row, list[float]]]:
        identity = self.identities.get(tag)
        if identity is None or self.store is None:
            return
        since_s = self.started_s if self.refresh else 0.0
        texts = {query.query_id: query.text for query in arena.dataset.queries}
        for query_id, docs, _ in candidates:
            documents = [arena.dataset.corpus.text(doc_id) for doc_id in docs]
            known = self.store.known(identity, texts[query_id], documents, pointwise=pointwise)
            known = [one if one is not None and one.stored_s >= since_s else None for one in known]
            times = [one.stored_s for one in known if one is not None]
            if not times or (not pointwise and None in known):
                continue
            scores = np.array([np.nan if one is None else one.score for one in known])
            yield query_id, Row(scores, [None if one is None else one.list_rank for one in known]), times

    def keep(self, arm: Arm, outcome: Outcome) -> None:
        """Keep the record of a batch's calls and, of the quality pass, its scores: together or not at all."""
        request, response = outcome.batch.request, outcome.response
        identity = self.identities.get(arm.tag)
        store = self.open()
        with store.transaction():
            for attempt in outcome.attempts:
                self._note("call", note(attempt.call))
                if attempt.failure is not None:
                    self._note("failure", note(failure_row(outcome, attempt.failure, attempt.call)))
            if response is not None and identity is not None and outcome.call.pass_ == "quality":
                store.add_scores(
                    identity,
                    request.query,
                    request.documents,
                    response.scores.tolist(),
                    list_ranks_of(outcome),
                    pointwise=arm.reranker.pointwise,
                )

    def keep_check(self, check: PointwiseCheck) -> None:
        """Keep what a pointwise check found."""
        with self.open().transaction():
            self._note("check", note(check))

    def _note(self, kind: str, content: bytes) -> None:
        self.open().add_entry(self.run, JournalEntry(kind, content))


@contextmanager
def remembered(config: Config, into: Path, *, refresh: bool) -> Iterator[Memory]:
    """Give an experiment its memory; a store that is not there yet is made by the first thing to keep.

    Raises
    ------
    StorageError
        If the store cannot be used.
    """
    path = config.store.path if config.store else into / "scores.sqlite"
    memory = Memory(path, identities_of(config), refresh)
    try:
        if path.is_file():
            memory.open()
        yield memory
    finally:
        memory.close()


def _lock(path: Path) -> FileLock:
    """Wait until no other experiment uses the store: two at once would pay for the same pairs."""
    lock = FileLock(f"{path}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            sys.stderr.write(f"waiting for another evalkit that uses {path}\n")
            lock.acquire()
    except OSError as error:
        raise StorageError(
            f"the score store {path.resolve()} cannot be used: {error}",
            "set store.path to a place you can write",
        ) from None
    return lock


def identities_of(config: Config) -> dict[str, str]:
    """Return tag -> identity of the backends whose scores are kept: not those that look them up themselves."""
    return {tag: identity_of(settings) for tag, settings in config.rerankers.items() if settings.timed}
