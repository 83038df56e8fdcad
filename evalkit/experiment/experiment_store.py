"""What an experiment knows already, and what it must not forget: the store, seen from the passes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evalkit.backend_checks import PointwiseCheck
from evalkit.config import Config, resolved_yaml
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.journal import failure_row, note
from evalkit.latency import RoundState
from evalkit.records import Run
from evalkit.reranking import Outcome, RerankerSession, Row, list_ranks_of
from evalkit.store import JournalEntry, ScoreKey, ScoreStore, StoredScore, identity_of, lock_backends

KEPT_PASSES = {"quality", "precision"}
"""Passes whose scores are kept."""


@dataclass(slots=True)
class Reused:
    """Scores of one dataset and reranker that did not have to be asked for.

    Attributes
    ----------
    pairs
        From before this experiment.
    oldest_s
        When the oldest of them was stored, in seconds since 1970; None where there is none.
    models
        What the backend called its model when it gave them.
    resumed
        From this experiment, before it was stopped.
    """

    pairs: int = 0
    oldest_s: float | None = None
    models: tuple[str, ...] = ()
    resumed: int = 0

    def count(self, known: Iterable[StoredScore], started_s: float) -> None:
        """Count some scores; those stored after `started_s` are this experiment's own."""
        for one in known:
            if one.stored_s >= started_s:
                self.resumed += 1
                continue
            self.pairs += 1
            self.oldest_s = one.stored_s if self.oldest_s is None else min(self.oldest_s, one.stored_s)
            if one.model is not None and one.model not in self.models:
                self.models = tuple(sorted((*self.models, one.model)))


@dataclass(slots=True)
class ExperimentStore:
    """The store of one experiment.

    Attributes
    ----------
    path
        Where the store is, or will be.
    identities
        Tag -> identity of its backend; those whose scores are looked up anyway are absent.
    turns
        What no other experiment on this store may be about at the same time.
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
    turns: tuple[str, ...] = ()
    refresh: bool = False
    run: str = ""
    started_s: float = field(default_factory=time.time)
    reused: dict[tuple[str, str], Reused] = field(default_factory=dict)
    _store: ScoreStore | None = None
    _held: ExitStack = field(default_factory=ExitStack)

    def open(self) -> ScoreStore:
        """Open the store, made if need be; an experiment that asks the same backends waits for its turn.

        Raises
        ------
        StorageError
            If the store cannot be used.
        """
        if self._store is None:
            self._held.enter_context(lock_backends(self.path, self.turns))
            self._store = ScoreStore(self.path)
        return self._store

    def peek(self) -> None:
        """Open the store, if there is one, for reading alone, beside whoever uses it."""
        if self.path.is_file():
            self._store = ScoreStore(self.path, "read")

    def close(self) -> None:
        """Leave the store to others."""
        if self._store is not None:
            self._store.close()
        self._held.close()

    def journal(self) -> list[JournalEntry]:
        """Return what the run has noted so far."""
        return self._store.journal(self.run) if self._store else []

    def finish(self) -> None:
        """Drop the journal: everything in it stands in the tables of the result folder."""
        if self._store is not None:
            self._store.forget_run(self.run)

    def rows(self, tag: str, eval_set: EvalSet, candidates: Run, *, pointwise: bool) -> dict[str, Row]:
        """Return the known scores of every list that has any."""
        found = self.lists(tag, eval_set, candidates, pointwise=pointwise)
        return {query_id: _row(known) for query_id, known in found if any(known)}

    def recall(self, session: RerankerSession, eval_set: EvalSet, candidates: Run) -> dict[str, Row]:
        """Return the known scores of every list that has any, and count them."""
        rows: dict[str, Row] = {}
        counted = self.reused.setdefault((eval_set.dataset.name, session.tag), Reused())
        for query_id, known in self.lists(
            session.tag, eval_set, candidates, pointwise=session.reranker.pointwise
        ):
            if any(known):
                rows[query_id] = _row(known)
                counted.count(filter(None, known), self.started_s)
        return rows

    def knows_all(self, tag: str, eval_set: EvalSet, candidates: Run, *, pointwise: bool) -> bool:
        """Return whether nothing has to be asked for; looks no further than the first unknown pair."""
        return all(all(known) for _, known in self.lists(tag, eval_set, candidates, pointwise=pointwise))

    def lists(
        self, tag: str, eval_set: EvalSet, candidates: Run, *, pointwise: bool
    ) -> Iterator[tuple[str, list[StoredScore | None]]]:
        """Yield every query with what is known of its candidates."""
        identity = self.identities.get(tag)
        since_s = self.started_s if self.refresh else 0.0
        texts = {query.query_id: query.text for query in eval_set.dataset.queries}
        for query_id, docs, _ in candidates:
            known: list[StoredScore | None] = [None] * len(docs)
            if identity is not None and self._store is not None:
                documents = [eval_set.dataset.corpus.text(doc_id) for doc_id in docs]
                stored = self._store.known(ScoreKey(identity, texts[query_id], documents, pointwise))
                known = [one if one is not None and one.stored_s >= since_s else None for one in stored]
            if not pointwise and None in known:
                known = [None] * len(docs)  # a list holds as a whole or not at all
            yield query_id, known

    def keep(self, session: RerankerSession, outcome: Outcome) -> None:
        """Keep the record of a batch's calls and, of the quality pass, its scores: together or not at all."""
        request, response = outcome.batch.request, outcome.response
        identity = self.identities.get(session.tag)
        store = self.open()
        with store.transaction():
            self._note_calls(store, outcome)
            if response is not None and identity is not None and outcome.call.pass_ in KEPT_PASSES:
                store.add_scores(
                    ScoreKey(identity, request.query, request.documents, session.reranker.pointwise),
                    response.scores.tolist(),
                    list_ranks_of(outcome),
                    response.model,
                )

    def keep_calls(self, outcomes: Iterable[Outcome]) -> None:
        """Keep the record of calls whose scores are not wanted."""
        store = self.open()
        with store.transaction():
            for outcome in outcomes:
                self._note_calls(store, outcome)

    def keep_check(self, check: PointwiseCheck) -> None:
        """Keep what a pointwise check found."""
        store = self.open()
        with store.transaction():
            store.add_entry(self.run, JournalEntry("check", note(check)))

    def keep_round(self, state: RoundState) -> None:
        """Keep how the machine was in a round of the latency pass."""
        store = self.open()
        with store.transaction():
            store.add_entry(self.run, JournalEntry("round", note(state)))

    def _note_calls(self, store: ScoreStore, outcome: Outcome) -> None:
        for attempt in outcome.attempts:
            store.add_entry(self.run, JournalEntry("call", note(attempt.call)))
            if attempt.failure is not None:
                row = failure_row(outcome, attempt.failure, attempt.call)
                store.add_entry(self.run, JournalEntry("failure", note(row)))


def _row(known: list[StoredScore | None]) -> Row:
    return Row(
        np.array([np.nan if one is None else one.score for one in known]),
        [None if one is None else one.list_rank for one in known],
    )


@contextmanager
def open_store(config: Config, into: Path, *, only_look: bool = False) -> Iterator[ExperimentStore]:
    """Give an experiment its memory; a store that is not there yet is made by the first thing to keep.

    Parameters
    ----------
    config, into
        The experiment, and the parent of its result folder.
    only_look
        Whether nothing will be kept: then nobody is waited for.

    Raises
    ------
    StorageError
        If the store cannot be used.
    """
    path = config.store.path if config.store else into / "scores.sqlite"
    identities = identities_of(config)
    store = ExperimentStore(path, identities, (resolved_yaml(config), *identities.values()))
    try:
        if only_look:
            store.peek()
        elif path.is_file():
            store.open()
        yield store
    finally:
        store.close()


def identities_of(config: Config) -> dict[str, str]:
    """Return tag -> identity of the backends whose scores are kept: not those that look them up themselves."""
    identities = {tag: identity_of(settings) for tag, settings in config.rerankers.items() if settings.timed}
    for tag, settings in config.rerankers.items():
        fewer_bits = settings.fewer_bits()
        if fewer_bits is not None:
            identities[precise_tag(tag)] = identity_of(fewer_bits[1])
    return identities


def precise_tag(tag: str) -> str:
    """Return the name under which a reranker's scores in fp32 are known; no reranker has a tag like it."""
    return f"{tag} in fp32"
