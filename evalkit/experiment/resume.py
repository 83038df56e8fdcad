"""Taking up the folder that an earlier, unfinished run of the same configuration left behind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.errors import EvalkitError, InputError
from evalkit.experiment.experiment_store import ExperimentStore
from evalkit.experiment.recorder import Recorder
from evalkit.results.folder import ResultFolder
from evalkit.results.manifest import Manifest


@dataclass(frozen=True, slots=True)
class ResumeOptions:
    """What of earlier work counts.

    Attributes
    ----------
    refresh
        Ask for every score again, known or not.
    resume
        The folder to take up; None to look for one.
    """

    refresh: bool = False
    resume: Path | None = None


def fingerprint(resolved: str) -> str:
    """Return a short hash of a resolved configuration; result folders end in it."""
    return hashlib.sha256(resolved.encode()).hexdigest()[:6]


def find_unfinished(into: Path, resolved: str, options: ResumeOptions) -> ResultFolder | None:
    """Return the folder to take up; None to begin a new one.

    Parameters
    ----------
    into
        Parent of result folders.
    resolved
        The resolved configuration: only a folder of the very same one is taken up.
    options
        Which folder the user named, and whether all scores are wanted again: a folder that was begun
        without that is then left alone, and the other way round.

    Raises
    ------
    InputError
        If the named folder is of another configuration, finished, or not one that asks for all scores.
    """
    if options.resume is not None:
        return _named(options.resume, resolved, refresh=options.refresh)
    found = sorted(into.glob(f"*-{fingerprint(resolved)}*"), reverse=True) if into.is_dir() else []
    unfinished = (folder for path in found if (folder := _unfinished(path, resolved)))
    return next((folder for folder in unfinished if _refreshes(folder) == options.refresh), None)


def _named(path: Path, resolved: str, *, refresh: bool) -> ResultFolder:
    folder = ResultFolder.open(path)
    if not _is_of(folder, resolved):
        raise InputError(
            f"{path.resolve()} was begun with another configuration",
            "resume it with the configuration it holds (config.yaml, and --set as in its manifest), or begin anew",
        )
    if _is_finished(folder):
        raise InputError(f"{path.resolve()} is finished", f"see it with: evalkit report {path}")
    if refresh and not _refreshes(folder):
        raise InputError(
            f"{path.resolve()} was begun without --refresh and holds scores of earlier runs",
            "leave out --resume to ask for everything again in a new folder, or leave out --refresh",
        )
    return folder


def restore(
    found: ResultFolder | None, options: ResumeOptions, store: ExperimentStore, recorder: Recorder
) -> Manifest | None:
    """Restore what an unfinished folder had measured, and return its manifest; None where there is none."""
    store.refresh = options.refresh
    if found is None:
        return None
    manifest = found.read_manifest()
    store.run = str(found.path.resolve())
    store.started_s = manifest.started_s
    store.refresh = manifest.refresh
    recorder.restore(store.journal())
    return replace(manifest, status="running", resumed=manifest.resumed + 1)


def spent_before(manifest: Manifest | None, recorder: Recorder) -> float:
    """Return what the calls of earlier sessions cost, as far as anybody knows.

    A session that was killed wrote no total, but each of its calls.
    """
    recorded = (manifest.spent_usd if manifest else None) or 0.0
    return max(recorded, sum(call.cost_usd or 0.0 for call in recorder.calls))


def _unfinished(path: Path, resolved: str) -> ResultFolder | None:
    try:
        folder = ResultFolder.open(path)
        return None if _is_finished(folder) or not _is_of(folder, resolved) else folder
    except EvalkitError:
        return None  # killed before it was a folder, or damaged: a new one is begun


def _refreshes(folder: ResultFolder) -> bool:
    return folder.read_manifest().refresh


def _is_of(folder: ResultFolder, resolved: str) -> bool:
    return (
        folder.resolved_config_file.is_file()
        and folder.resolved_config_file.read_text(encoding="utf-8") == resolved
    )


def _is_finished(folder: ResultFolder) -> bool:
    """Return whether everything was measured and the report, its last file, was written."""
    return folder.read_manifest().status == "complete" and folder.report_html_file.is_file()
