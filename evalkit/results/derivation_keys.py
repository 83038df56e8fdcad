"""Keys of derived files: hashes of everything that they can depend on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.cache import cache_key, content_hash
from evalkit.results.folder import ResultFolder
from evalkit.results.json_shapes import document
from evalkit.results.manifest import Manifest
from evalkit.results.program_state import program_key


@dataclass(frozen=True, slots=True)
class DerivationKeys:
    """Hashes of everything that the derived files of a result can depend on.

    Attributes
    ----------
    pages
        Of all of it: the raw files with the manifest, the name of the folder, evalkit's code and the packages.
    documents
        The same without what only the pages show: the name of the folder, and the times and ids of the run.
    quality
        The same without the calls: of what is derived from scores alone.
    program
        Of evalkit's code and the packages alone.
    """

    pages: str
    documents: str
    quality: str
    program: str


def derivation_keys(folder: ResultFolder, manifest: Manifest) -> DerivationKeys | None:
    """Return the keys of the files that would be derived now; None if they cannot be known."""
    program = program_key()
    if program is None:
        return None
    raw = {file.relative_to(folder.path).as_posix(): content_hash(file) for file in raw_files(folder)}
    own = content_hash(folder.manifest_file)
    of_calls = {file.name for file in (folder.calls_file, folder.run_latencies_file, folder.failures_file)}
    scored = {name: digest for name, digest in raw.items() if name not in of_calls}
    return DerivationKeys(
        pages=cache_key([program, raw, own, folder.path.name]),
        documents=cache_key([program, raw, document(without_times(manifest))]),
        quality=cache_key([program, scored, document(without_calls(manifest))]),
        program=program,
    )


def without_times(manifest: Manifest) -> Manifest:
    """Return a manifest without what differs between two runs that measured the same: times, ids and the command."""
    return replace(
        manifest,
        command="",
        started="",
        started_s=0.0,
        finished=None,
        sessions=(),
        store="",
        git=None,
        machine=replace(manifest.machine, load_average=None),
        inputs=None,
        copied_from=None,
    )


def without_calls(manifest: Manifest) -> Manifest:
    """Return a manifest also without what differs between two runs whose scores are the same: how they were obtained.

    What is derived from scores alone is given this manifest, so that it cannot depend on the rest.
    """
    return replace(
        without_times(manifest),
        pairs=(),
        pointwise_checks=(),
        dependence_checks=(),
        drift_checks=(),
        rounds=(),
        calls={},
        endpoints={},
        spent_usd=None,
    )


def raw_files(folder: ResultFolder) -> Iterator[Path]:
    """Yield the files, apart from the manifest, that figures and pages are derived from."""
    files = (
        folder.resolved_config_file,
        folder.scores_file,
        folder.calls_file,
        folder.passages_file,
        folder.texts_file,
        folder.document_tokens_file,
        folder.run_latencies_file,
        folder.failures_file,
    )
    yield from (file for file in files if file.is_file())
    for name in ("qrels", "queries"):
        if (folder.path / name).is_dir():
            yield from sorted(file for file in (folder.path / name).iterdir() if file.is_file())
