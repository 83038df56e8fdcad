"""A run whose inputs did not change: its raw files are those of an earlier run, copied."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from evalkit.cache import content_hash
from evalkit.config import Config, resolved_yaml, run_yaml
from evalkit.errors import EvalkitError, InputError, tell
from evalkit.experiment.environment import git_state, machine, versions
from evalkit.experiment.event_log import logged_to, logger
from evalkit.experiment.experiment_store import WritableStore, open_store
from evalkit.experiment.manifest_facts import now
from evalkit.experiment.resume import RunFolder, find_unfinished, fingerprint
from evalkit.experiment.run_inputs import inputs_key
from evalkit.experiment.run_options import Origin, ResumeOptions
from evalkit.files import replacing_file, write_file
from evalkit.results.derivation_keys import raw_files
from evalkit.results.folder import ResultFolder
from evalkit.results.json_shapes import document
from evalkit.results.manifest import Manifest, RunInputs
from evalkit.results.seals import seal

_MOST_LOOKED_AT = 10
"""Earlier results of a configuration that are looked at, the newest first."""
_PART = 2**20
"""Bytes that are copied at a time."""


def record_inputs(folder: ResultFolder, config: Config, key: str | None) -> None:
    """Record in the manifest of a complete result what its raw files were made from.

    Parameters
    ----------
    folder
        The result.
    config
        Its configuration.
    key
        The `inputs_key` before anything was read; None for a run that cannot be repeated.
    """
    manifest = folder.read_manifest()
    if key is None or manifest.status != "complete" or manifest.resumed or inputs_key(config) != key:
        return
    files = {file.relative_to(folder.path).as_posix(): content_hash(file) for file in raw_files(folder)}
    sealed = _seal(key, files, manifest)
    if sealed is not None:
        folder.write_manifest(replace(manifest, inputs=RunInputs(sealed, files)))


def _seal(key: str, files: dict[str, str], manifest: Manifest) -> str | None:
    return seal([key, files, document(replace(manifest, inputs=None))])


@contextmanager
def copied_run(
    config: Config, origin: Origin, into: Path, options: ResumeOptions
) -> Iterator[ResultFolder | None]:
    """Copy the raw files of an earlier run with the same inputs to a new result folder, and yield it.

    Until the block ends, no other process takes the folder for one that lacks its report.

    Parameters
    ----------
    config, origin, into, options
        See `evalkit.experiment.execute.execute`.

    Yields
    ------
    ResultFolder or None
        None if the experiment must be run: nothing was written.

    Raises
    ------
    StorageError
        If the folder or the score store cannot be written.
    """
    key = None if options.refresh or options.resume is not None else inputs_key(config)
    if key is None or _earlier(config, into, key) is None:
        yield None
        return
    with open_store(config, into) as store:
        store.open()  # waits for other runs of this configuration, as a run does
        found = _earlier(config, into, key)
        yield None if found is None else _copy(found, config, origin, into, store, key)


def _earlier(config: Config, into: Path, key: str) -> RunFolder | None:
    """Return the newest result with the same inputs; None if there is none, or an unfinished one is to be resumed."""
    resolved = run_yaml(config)
    if find_unfinished(into, resolved, ResumeOptions()) is not None:
        return None
    for path in sorted(into.glob(f"*-{fingerprint(resolved)}*"), reverse=True)[:_MOST_LOOKED_AT]:
        try:
            found = RunFolder(ResultFolder.open(path), ResultFolder.open(path).read_manifest())
        except EvalkitError:
            continue
        manifest = found.manifest
        inputs = manifest.inputs
        if inputs and not manifest.refresh and _seal(key, dict(inputs.raw_files), manifest) == inputs.seal:
            return found
    return None


def _copy(
    found: RunFolder, config: Config, origin: Origin, into: Path, store: WritableStore, key: str
) -> ResultFolder | None:
    """Return a new folder with the raw files of another one; None if one of these was changed."""
    inputs = found.manifest.inputs
    if inputs is None:
        return None
    resolved = resolved_yaml(config)
    manifest = replace(
        found.manifest,
        command=origin.command,
        config_file=origin.path,
        started=now(),
        started_s=store.requested_s,
        finished=now(),
        sessions=(store.session,),
        store=str(store.path),
        versions=versions(),
        git=git_state(),
        machine=machine(),
        inputs=None,
        copied_from=found.manifest.copied_from or found.manifest.sessions[0],
    )
    sealed = _seal(key, dict(inputs.raw_files), manifest)

    def first(folder: ResultFolder) -> None:
        for name, digest in inputs.raw_files.items():
            _copy_file(found.folder.path / name, folder.path / name, digest, inside=folder.path)
        write_file(folder.config_file, origin.config_file or resolved, inside=folder.path)
        folder.write_manifest(
            replace(manifest, inputs=RunInputs(sealed, inputs.raw_files) if sealed else None)
        )

    name = f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{fingerprint(run_yaml(config))}"
    try:
        folder = ResultFolder.create(into, name, first)
    except InputError:
        return None
    tell(f"nothing changed since {found.folder.path}: its scores are used")
    with logged_to(folder.log_file):
        logger.info("copied the raw files of %s: nothing changed since", found.folder.path)
    return folder


def _copy_file(path: Path, into: Path, digest: str, *, inside: Path) -> None:
    """Copy a file.

    Raises
    ------
    InputError
        If it cannot be read, or has another hash.
    """
    try:
        source = path.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    found = hashlib.sha256()
    with source, replacing_file(into, inside=inside) as copy:
        while part := source.read(_PART):
            found.update(part)
            copy.write(part)
        if found.hexdigest() != digest:
            raise InputError(f"{path} was changed")
