"""Resuming: the unfinished result folder of the same configuration, and what an earlier session measured."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from ruamel.yaml.error import YAMLError

from evalkit.config import Config, run_yaml
from evalkit.errors import EvalkitError, InputError, tell
from evalkit.experiment.experiment_store import ReadableStore
from evalkit.experiment.known_scores import KnownScores
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.run_options import ResumeOptions
from evalkit.results.folder import ResultFolder
from evalkit.results.manifest import DatasetFacts, Manifest


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A result folder with its manifest."""

    folder: ResultFolder
    manifest: Manifest

    @property
    def is_finished(self) -> bool:
        """Whether everything was measured and the report, the last file, was written."""
        return self.manifest.status == "complete" and self.folder.report_html_file.is_file()

    @property
    def needs_journal(self) -> bool:
        """Whether calls were made that only the journal of the run holds: without it a budget would be crossed."""
        log = self.folder.log_file
        return (
            self.manifest.status != "complete"
            and bool(self.manifest.sessions)
            and log.is_file()
            and log.stat().st_size > 0
        )

    def resumed(
        self, session: str, earlier: Sequence[str] = (), datasets: tuple[DatasetFacts, ...] | None = None
    ) -> RunFolder:
        """Return the folder with the manifest of a further session.

        Parameters
        ----------
        session, earlier
            The id of the session, and those of the run that are known.
        datasets
            The datasets as they are now; None where they are not read again.
        """
        manifest = replace(
            self.manifest,
            status="running",
            datasets=self.manifest.datasets if datasets is None else datasets,
            resumed=self.manifest.resumed + 1,
            sessions=tuple(dict.fromkeys((*self.manifest.sessions, *earlier, session))),
        )
        return RunFolder(self.folder, manifest)

    def rebuilt(self, session: str, ended: str) -> RunFolder:
        """Return a complete folder with the manifest of a further session that only builds the report and ends now.

        Its scores then are of an earlier session, and as old as they are at this end: they say nothing on what a server
        behind a url returns now.
        """
        pairs = tuple(
            replace(
                one,
                resumed=one.asked - one.failed - one.reused,
                oldest_s=min(self.manifest.started_s, one.oldest_s or self.manifest.started_s),
            )
            for one in self.manifest.pairs
        )
        further = self.resumed(session).manifest
        return RunFolder(
            self.folder,
            replace(further, status="complete", finished=ended, pairs=pairs),
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of an experiment before it makes a call.

    Attributes
    ----------
    unfinished
        The folder to resume; None for a new experiment.
    recorder
        The calls and checks of earlier sessions.
    store
        The stored scores.
    """

    unfinished: RunFolder | None
    recorder: Recorder
    store: KnownScores

    @property
    def spent_usd(self) -> float:
        """Cost of the calls of earlier sessions.

        A session that was killed wrote no total, but its calls are in the journal.
        """
        total = (self.unfinished.manifest.spent_usd if self.unfinished else None) or 0.0
        return max(total, sum(call.cost_usd or 0.0 for call in self.recorder.calls))


def restore(store: ReadableStore, config: Config, into: Path, options: ResumeOptions) -> Progress:
    """Return what is known of an experiment from its store and from an unfinished folder.

    Parameters
    ----------
    store
        The open store. Another run of this configuration has ended by then, where the store is writable.
    config, into
        The experiment, and the parent of its result folder.
    options
        Which results of earlier runs are used.

    Raises
    ------
    InputError
        See `find_unfinished`; or if the journal is damaged, or that of the named folder is not in the store.
    """
    found = find_unfinished(into, run_yaml(config), options)
    journal = store.journal(found.folder, found.manifest.sessions) if found else []
    if found is not None and not journal and found.needs_journal:
        message = f"{found.folder.path} cannot be resumed: its calls are not in the score store {store.path}"
        if options.resume is not None:
            raise InputError(
                message, f"name the folder that contains its store, {found.manifest.store}, with --into"
            )
        tell(f"{message}; a new run is started")
        found = None
    if found is None:
        return Progress(None, Recorder(), store.lookup(store.requested_s, refresh=options.refresh))
    manifest = found.manifest
    # A copy of the folder may have been resumed: it is the same run, and all calls are in its journal.
    earlier = store.sessions(manifest.sessions)
    known = store.lookup(manifest.started_s, refresh=manifest.refresh, earlier=earlier)
    return Progress(found, Recorder.restored(journal), known)


def fingerprint(resolved: str) -> str:
    """Return a short hash of a resolved configuration, the last part of a result folder's name."""
    return hashlib.sha256(resolved.encode()).hexdigest()[:6]


def find_unfinished(into: Path, resolved: str, options: ResumeOptions) -> RunFolder | None:
    """Return the folder to resume; None to start a new one.

    Parameters
    ----------
    into
        Parent of result folders.
    resolved
        The resolved configuration, which must be the folder's too.
    options
        The folder that the user named, if any. Otherwise a folder is only found if it was started with the same
        `refresh`.

    Raises
    ------
    InputError
        If the named folder has another configuration or is finished, or if it was started without `refresh` and
        all scores are requested now.
    """
    if options.resume is not None:
        return _named(options.resume, resolved, refresh=options.refresh)
    found = into.glob(f"*-{fingerprint(resolved)}*") if into.is_dir() else ()
    unfinished = [one for path in found if (one := _unfinished(path, resolved))]
    # A folder's name holds whole seconds only.
    unfinished.sort(key=lambda one: (one.manifest.started_s, one.folder.path.name), reverse=True)
    # With refresh the user asks for new measurements: a complete result, though without a report, has none.
    return next(
        (
            one
            for one in unfinished
            if one.manifest.refresh == options.refresh
            and not (options.refresh and one.manifest.status == "complete")
        ),
        None,
    )


def _named(path: Path, resolved: str, *, refresh: bool) -> RunFolder:
    folder = ResultFolder.open(path)
    if not _has_config(folder, resolved):
        raise InputError(
            f"{path.resolve()} was started with another configuration",
            "resume it with its own configuration (config.yaml, and --set as in its manifest), or"
            " start a new run",
        )
    found = RunFolder(folder, folder.read_manifest())
    if found.is_finished:
        raise InputError(f"{path.resolve()} is complete", f"view it with: evalkit report {quote(str(path))}")
    if refresh and not found.manifest.refresh:
        raise InputError(
            f"{path.resolve()} was started without --refresh and contains cached scores of earlier runs",
            "remove --resume to score everything again in a new folder, or remove --refresh",
        )
    return found


def _unfinished(path: Path, resolved: str) -> RunFolder | None:
    try:
        folder = ResultFolder.open(path)
        found = RunFolder(folder, folder.read_manifest())
    except EvalkitError:
        return None  # an incomplete or damaged folder: a new one is started
    return None if found.is_finished or not _has_config(folder, resolved) else found


def _has_config(folder: ResultFolder, resolved: str) -> bool:
    file = folder.resolved_config_file
    try:
        return file.is_file() and run_yaml(file.read_text(encoding="utf-8")) == resolved
    except (YAMLError, AttributeError, TypeError):  # a damaged folder
        return False
