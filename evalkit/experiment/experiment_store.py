"""The score store of one experiment: opened for lookups, then attached to the result folder to keep new scores."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from evalkit.backend_checks import DependenceCheck, PointwiseCheck
from evalkit.config import Config, run_yaml
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.journal import JournalRecord, failure_of, from_entry, to_entry
from evalkit.experiment.known_scores import KnownScores, identities_of, row_of
from evalkit.latency import RoundState
from evalkit.records import Run
from evalkit.reranking import Outcome, RerankerSession, Row, list_ranks_of
from evalkit.results.folder import ResultFolder
from evalkit.store import ScoreKey, ScoreStore, StoredScore, lock_backends

KEPT_PASSES = {"quality", "precision"}
"""Passes whose scores are stored."""
_TOGETHER_S = 0.2
"""Seconds within which calls of a backend that only looks scores up share a transaction, which waits for the disk."""


@dataclass(slots=True)
class Reused:
    """Scores of one dataset and reranker that were found in the store.

    Attributes
    ----------
    pairs
        Scores from outside of this experiment.
    undated
        Scores among these whose time is not proven: they were imported, or stored before sessions were recorded.
    resumed
        Scores from earlier sessions of this experiment.
    repeated
        Scores from this session: another pass has obtained them.
    ahead
        Scores among these that the first calls obtained for the quality pass.
    oldest_s
        When the oldest score that is not of this session was stored, in seconds since 1970; None where there is none.
    models
        Names of the model in the responses that gave the scores from outside.
    """

    pairs: int = 0
    undated: int = 0
    resumed: int = 0
    repeated: int = 0
    ahead: int = 0
    oldest_s: float | None = None
    models: tuple[str, ...] = ()

    def count(self, known: Iterable[StoredScore], session: str, earlier: tuple[str, ...]) -> None:
        """Count some scores by the session that obtained them; see `KnownScores`."""
        for one in known:
            if one.session == session:
                self.repeated += 1
                continue
            self.oldest_s = one.stored_s if self.oldest_s is None else min(self.oldest_s, one.stored_s)
            if one.session in earlier:
                self.resumed += 1
                continue
            self.pairs += 1
            self.undated += one.session is None
            if one.model is not None and one.model not in self.models:
                self.models = tuple(sorted((*self.models, one.model)))


@dataclass(slots=True)
class _Waiting:
    """Outcomes whose calls are not stored yet, and when others were stored last, on the monotonic clock."""

    outcomes: list[Outcome] = field(default_factory=list)
    stored_s: float = -math.inf


@dataclass(frozen=True, slots=True)
class ExperimentStore(KnownScores):
    """The store of an experiment that has a result folder: scores, and a journal of its calls.

    Attributes
    ----------
    scores
        The open store.
    run
        Key of the journal: id of the first session of the experiment.
    older_run
        Key that earlier versions gave the journal; see `older_key`.
    reused
        (dataset, tag) -> the scores that were recalled.
    """

    scores: ScoreStore
    run: str
    older_run: str
    reused: dict[tuple[str, str], Reused] = field(default_factory=dict)
    _waiting: _Waiting = field(default_factory=_Waiting)

    def recall(self, session: RerankerSession, eval_set: EvalSet, candidates: Run) -> dict[str, Row]:
        """Return what `rows` returns, and count the scores as reused."""
        rows: dict[str, Row] = {}
        counted = self.reused.setdefault((eval_set.dataset.name, session.tag), Reused())
        for query_id, known in self.lists(
            session.tag, eval_set, candidates, pointwise=session.reranker.pointwise
        ):
            if any(known):
                rows[query_id] = row_of(known)
                counted.count(filter(None, known), self.session, self.earlier)
        return rows

    def count_ahead(self, session: RerankerSession, outcome: Outcome) -> None:
        """Count the scores of a call that was made for the quality pass before it began."""
        counted = self.reused.setdefault((outcome.call.dataset, session.tag), Reused())
        counted.ahead += len(outcome.batch.request.documents)

    def keep(self, session: RerankerSession, outcome: Outcome) -> None:
        """Store the calls of a batch and, for some passes, its scores, in one transaction.

        A backend that only looks scores up can be asked again for nothing: some of its calls may wait for each other,
        until `keep_waiting`.
        """
        request, response = outcome.batch.request, outcome.response
        identity = self.identities.get(session.tag)
        if identity is None:
            self._waiting.outcomes.append(outcome)
            if time.monotonic() - self._waiting.stored_s >= _TOGETHER_S:
                self.keep_waiting()
            return
        with self.scores.transaction():
            self._keep_calls(outcome)
            if response is not None and outcome.call.pass_ in KEPT_PASSES:
                self.scores.add_scores(
                    ScoreKey(
                        identity,
                        request.query,
                        request.documents,
                        session.reranker.pointwise,
                        request.instruction,
                    ),
                    response.scores.tolist(),
                    list_ranks_of(outcome),
                    response.model,
                    self.session,
                )

    def keep_waiting(self) -> None:
        """Store the calls that wait for others."""
        outcomes, self._waiting.outcomes = self._waiting.outcomes, []
        if outcomes:
            self.keep_calls(outcomes)
        self._waiting.stored_s = time.monotonic()

    def keep_calls(self, outcomes: Iterable[Outcome]) -> None:
        """Store calls without their scores, in one transaction."""
        with self.scores.transaction():
            for outcome in outcomes:
                self._keep_calls(outcome)

    def keep_record(self, record: PointwiseCheck | DependenceCheck | RoundState) -> None:
        """Store a check, or the state of the machine in a round of the latency pass."""
        with self.scores.transaction():
            self._add(record)

    def drop_journal(self) -> None:
        """Delete the journal: the tables of the result folder contain all of it."""
        self.scores.forget_runs([self.run, self.older_run])

    def _keep_calls(self, outcome: Outcome) -> None:
        for attempt in outcome.attempts:
            self._add(attempt.call)
            if attempt.failure is not None:
                self._add(failure_of(outcome, attempt.failure, attempt.call))

    def _add(self, record: JournalRecord) -> None:
        self.scores.add_entry(self.run, to_entry(record))


class ReadableStore:
    """The file of a score store, opened for reading only; see `read_store`.

    Attributes
    ----------
    path
        The file.
    identities
        See `KnownScores`.
    scores
        The open store; None where the file does not exist.
    requested_s
        When this object was made, in seconds since 1970.
    session
        Random id of the session that this object belongs to.
    """

    def __init__(self, path: Path, identities: Mapping[str, str], scores: ScoreStore | None = None) -> None:
        self.path = path
        self.identities = identities
        self.scores = scores
        self.requested_s = time.time()
        self.session = uuid4().hex

    def lookup(
        self, started_s: float, *, refresh: bool = False, earlier: tuple[str, ...] = ()
    ) -> KnownScores:
        """Return the known scores for an experiment; see `KnownScores` for the parameters."""
        return KnownScores(self.path, self.identities, started_s, self.session, earlier, refresh, self.scores)

    def journal(self, folder: ResultFolder, sessions: Sequence[str] = ()) -> list[JournalRecord]:
        """Return the journal of an unfinished result folder, of which the sessions are known from its manifest.

        Raises
        ------
        InputError
            If an entry is damaged.
        """
        if self.scores is None:
            return []
        entries = [entry for run in (older_key(folder), *sessions[:1]) for entry in self.scores.journal(run)]
        return [from_entry(entry, self.path) for entry in entries]

    def sessions(self, known: Sequence[str]) -> tuple[str, ...]:
        """Return the sessions of an unfinished run: those of its manifest, then others that its journal has."""
        found = self.scores.sessions(known[0]) if self.scores and known else []
        return tuple(dict.fromkeys((*known, *found)))


class WritableStore(ReadableStore):
    """The file of a score store, opened for an experiment; see `open_store`.

    Parameters
    ----------
    path, identities
        See `ReadableStore`.
    turns
        Names that no other experiment on this store may use at the same time.
    resources
        Closes the store and gives the names free.
    """

    def __init__(
        self, path: Path, identities: Mapping[str, str], turns: tuple[str, ...], resources: ExitStack
    ) -> None:
        super().__init__(path, identities)
        self._turns = turns
        self._resources = resources
        if path.is_file():
            self.open()

    def attach(self, known: KnownScores, folder: ResultFolder) -> ExperimentStore:
        """Return the store of an experiment that writes to a result folder; the file is created where it is missing.

        Raises
        ------
        StorageError
            If the store cannot be used.
        """
        attached = ExperimentStore(
            known.path,
            known.identities,
            known.started_s,
            known.session,
            known.earlier,
            known.refresh,
            self.open(),
            (*known.earlier, known.session)[0],
            older_key(folder),
        )
        attached.scores.add_session(attached.run, known.session, folder.path)
        return attached

    def open(self) -> ScoreStore:
        """Open the file once, after waiting for other experiments that use the same names; see `attach`."""
        if self.scores is None:
            self._resources.enter_context(lock_backends(self.path, self._turns))
            self.scores = self._resources.enter_context(closing(ScoreStore(self.path)))
        return self.scores


@contextmanager
def open_store(config: Config, into: Path) -> Iterator[WritableStore]:
    """Open the score store of an experiment; a missing file is created by `WritableStore.attach` only.

    An experiment that would request the same scores, or has the same configuration, is waited for.

    Parameters
    ----------
    config, into
        The experiment, and the parent of its result folder.

    Raises
    ------
    StorageError
        If the store cannot be used.
    """
    identities = identities_of(config)
    with ExitStack() as resources:
        turns = (run_yaml(config), *identities.values())
        yield WritableStore(_store_path(config, into), identities, turns, resources)


@contextmanager
def read_store(config: Config, into: Path) -> Iterator[ReadableStore]:
    """Open the score store of an experiment for reading only, without waiting for other experiments.

    Parameters
    ----------
    config, into
        The experiment, and the parent of its result folder.

    Raises
    ------
    StorageError
        If the store cannot be read.
    """
    path, identities = _store_path(config, into), identities_of(config)
    with ExitStack() as resources:
        scores = resources.enter_context(closing(ScoreStore(path, "read"))) if path.is_file() else None
        yield ReadableStore(path, identities, scores)


def older_key(folder: ResultFolder) -> str:
    """Return the key that earlier versions gave the journal of a result folder: its absolute path."""
    return str(folder.path.resolve())


def _store_path(config: Config, into: Path) -> Path:
    return config.store.path if config.store else into / "scores.sqlite"
