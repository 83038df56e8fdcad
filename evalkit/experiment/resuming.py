"""Finding the folder that an earlier, unfinished run of the same configuration left behind."""

from __future__ import annotations

import hashlib
from pathlib import Path

from evalkit.errors import EvalkitError, InputError
from evalkit.experiment.folder import ResultFolder


def fingerprint(resolved: str) -> str:
    """Return a short hash of a resolved configuration; result folders end in it."""
    return hashlib.sha256(resolved.encode()).hexdigest()[:6]


def find_unfinished(into: Path, resolved: str, resume: Path | None) -> ResultFolder | None:
    """Return the folder to take up; None to begin a new one.

    Parameters
    ----------
    into
        Parent of result folders.
    resolved
        The resolved configuration: only a folder of the very same one is taken up.
    resume
        The folder the user named; None to look for the latest unfinished one.

    Raises
    ------
    InputError
        If the named folder is of another configuration, or finished.
    """
    if resume is None:
        found = sorted(into.glob(f"*-{fingerprint(resolved)}*"), reverse=True) if into.is_dir() else []
        return next((folder for path in found if (folder := _unfinished(path, resolved))), None)
    folder = ResultFolder.open(resume)
    if not _is_of(folder, resolved):
        raise InputError(
            f"{resume.resolve()} was begun with another configuration",
            "resume it with the configuration it holds (config.yaml, and --set as in its manifest), or begin anew",
        )
    if _is_finished(folder):
        raise InputError(f"{resume.resolve()} is finished", f"see it with: evalkit report {resume}")
    return folder


def _unfinished(path: Path, resolved: str) -> ResultFolder | None:
    try:
        folder = ResultFolder.open(path)
        return None if _is_finished(folder) or not _is_of(folder, resolved) else folder
    except EvalkitError:
        return None  # killed before it was a folder, or damaged: a new one is begun


def _is_of(folder: ResultFolder, resolved: str) -> bool:
    return (
        folder.resolved_config_file.is_file()
        and folder.resolved_config_file.read_text(encoding="utf-8") == resolved
    )


def _is_finished(folder: ResultFolder) -> bool:
    """Return whether everything was measured and the report, its last file, was written."""
    return folder.read_manifest()["status"] == "complete" and folder.report_html_file.is_file()
