"""An experiment as an object: what the passes need, before and after it has a result folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from evalkit.config import Config
from evalkit.distributed import RayCluster
from evalkit.errors import StorageError
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.experiment_store import ExperimentStore, WritableStore
from evalkit.experiment.known_scores import KnownScores
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.resume import RunFolder
from evalkit.reranking import Outcome, RerankerSession
from evalkit.results.folder import ResultFolder
from evalkit.results.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """An experiment that has written nothing yet.

    Attributes
    ----------
    config
        The checked configuration.
    eval_sets
        Its datasets with their candidates.
    recorder
        Calls, failures and checks so far, in memory.
    store
        The stored scores.
    cluster
        Where local models run; None for this process.
    """

    config: Config
    eval_sets: Sequence[EvalSet]
    recorder: Recorder
    store: KnownScores
    cluster: RayCluster | None = None

    @property
    def depth(self) -> int:
        """The deepest depth."""
        return max(self.config.depths)

    def start(
        self, store: WritableStore, target: RunFolder, sessions: Sequence[RerankerSession]
    ) -> StartedExperiment:
        """Attach the store to the result folder and mark the folder as running.

        Parameters
        ----------
        store
            The store that `self.store` reads.
        target
            The result folder, with the manifest that is written to it now.
        sessions
            The open rerankers.

        Raises
        ------
        StorageError
            If the store or the folder cannot be written.
        """
        attached = store.attach(self.store, target.folder)
        target.folder.drop_report()
        target.folder.write_manifest(target.manifest)
        return StartedExperiment(
            config=self.config,
            eval_sets=self.eval_sets,
            recorder=self.recorder,
            store=attached,
            cluster=self.cluster,
            folder=target.folder,
            manifest=target.manifest,
            sessions=sessions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedExperiment(Experiment):
    """An experiment with a result folder, open rerankers and a store that keeps new scores.

    Attributes
    ----------
    store
        The store, attached to the result folder.
    folder, manifest
        The result folder, and its manifest as the session started.
    sessions
        The open rerankers, in the order of the configuration.
    """

    store: ExperimentStore
    folder: ResultFolder
    manifest: Manifest
    sessions: Sequence[RerankerSession]

    def record(self, session: RerankerSession, outcome: Outcome) -> None:
        """Record the calls of a batch and store its scores.

        Raises
        ------
        StorageError
            If the store cannot be written.
        """
        self.recorder.add_outcome(outcome)
        self.store.keep(session, outcome)

    def record_late(self, session: RerankerSession, outcome: Outcome) -> None:
        """Do what `record` does after another error, which may be the store's own: a `StorageError` is ignored."""
        self.recorder.add_outcome(outcome)
        with suppress(StorageError):
            self.store.keep(session, outcome)
