"""Find the result folder that a user names: a result folder, a folder with results, or the word ``latest``."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any

import orjson

from evalkit.errors import EvalkitError, IncompleteError, InputError, tell
from evalkit.results.folder import REPEATS_FOLDER, ResultFolder

LATEST = "latest"
RESULTS = Path("results")
"""Where ``latest`` is looked for."""
_LEVELS = 2
"""How deep results are looked for: ``results/<name>/<time>`` is two levels below ``results``."""
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class FoundResult:
    """A result folder in a folder with results.

    Attributes
    ----------
    started_s
        Start from its manifest in seconds since 1970; 0 if the manifest is damaged.
    status
        As in its manifest; ``damaged`` if that cannot be read.
    """

    path: Path
    started_s: float
    status: str

    @property
    def age(self) -> tuple[float, str]:
        """Sort key: the newest result is the last one."""
        return self.started_s, self.path.name


def locate_result(
    named: str | Path, *, allow_incomplete: bool = False, refuse_newer: bool = False, scores: bool = False
) -> Path:
    """Return the result folder that a name means; a note says which one, unless the name is its path.

    Parameters
    ----------
    named
        A result folder, a folder that contains results one or two levels deep (the newest complete one is returned),
        or ``latest``: the newest complete result in ``results``.
    allow_incomplete
        Return the newest result of a folder whatever its status.
    refuse_newer
        Refuse a complete result if the folder has a newer one that is not complete: the last run may have failed.
    scores
        Skip results that contain only latencies, such as those of ``evalkit bench``.

    Raises
    ------
    InputError
        If there is no such folder, or no result in it, or with `scores` only results without scores; or if the newest
        one of several started in the future, so that the clock is or was wrong.
    IncompleteError
        If none of the results in it is complete, or with `refuse_newer` the newest one is not.
    """
    folder = _searched_folder(named)
    if ResultFolder(folder).manifest_file.is_file():
        return folder
    if not folder.is_dir():
        raise InputError(*_no_folder(folder))
    found = sorted(_results_in(folder, _LEVELS), key=lambda result: result.age, reverse=True)
    if not found:
        raise InputError(
            f"{folder.resolve()} is not a result folder: it contains no manifest.json and no results",
            "give the folder that 'evalkit run' printed",
        )
    chosen, newer = _newest(found, allow_incomplete=allow_incomplete, scores=scores)
    if chosen is None:
        raise _none_usable(folder, newer or found, only_latencies=not newer)
    if refuse_newer and newer:
        raise IncompleteError(
            f"the newest result in {folder.resolve()} is not complete: {_listed(newer)}",
            f"resume it with: evalkit run CONFIG --resume {quote(str(newer[0].path))}; or name another result's own"
            " folder",
        )
    if len(found) > 1 and chosen.started_s > time.time():
        raise InputError(
            f"the newest result in {folder.resolve()} cannot be known: {chosen.path} started after the time that the"
            " clock shows now",
            "set the clock, or give the folder of the result itself",
        )
    tell(_choice(chosen, folder, newer))
    return chosen.path


def locate_results(
    named: Sequence[str | Path], *, allow_incomplete: bool = False, scores: bool = False
) -> list[Path]:
    """Return the result folders that several names mean; see `locate_result`.

    Raises
    ------
    InputError
        If two names mean the same result, unless both are its path.
    """
    paths = [locate_result(name, allow_incomplete=allow_incomplete, scores=scores) for name in named]
    check_distinct(named, paths)
    return paths


def check_distinct(named: Sequence[str | Path], paths: Sequence[Path]) -> None:
    """Check that no folder that was searched gave the same result as another name.

    Raises
    ------
    InputError
        If one did.
    """
    for later in range(len(paths)):
        for earlier in range(later):
            pair = (earlier, later)
            if all(Path(named[one]) == paths[one] for one in pair):
                continue  # the user named one folder twice
            if paths[earlier].resolve() == paths[later].resolve():
                raise InputError(
                    f"{str(named[earlier])!r} and {str(named[later])!r} are the same result: {paths[later]}",
                    "give the folder of each result",
                )


def _searched_folder(named: str | Path) -> Path:
    """Return the folder itself, or ``results`` for ``latest``; a folder of that name takes precedence."""
    return RESULTS if str(named) == LATEST and not Path(named).exists() else Path(named)


def _no_folder(folder: Path) -> tuple[str, str]:
    """Return message and hint for what is not a folder."""
    if folder.exists():
        return (
            f"{folder.resolve()} is not a result folder: it is a file",
            "give the folder that 'evalkit run' printed",
        )
    if folder is RESULTS:
        return (
            f"{LATEST!r}: folder not found: {folder.resolve()}",
            "run an experiment first: evalkit run CONFIG",
        )
    return (
        f"result folder not found: {folder.resolve()}",
        f"give the folder that 'evalkit run' printed, a folder that contains results, or {LATEST!r}",
    )


def _results_in(folder: Path, levels: int) -> Iterator[FoundResult]:
    """Yield the results below a folder, without unfinished copies, which are hidden, repeated runs and baselines."""
    try:
        children = sorted(child for child in folder.iterdir() if child.is_dir())
    except OSError:
        return
    for child in children:
        if child.name.startswith(".") or child.name == REPEATS_FOLDER:
            continue
        if (child / "manifest.json").is_file():
            yield from _read(child)
        elif levels > 1:
            yield from _results_in(child, levels - 1)


def _read(folder: Path) -> Iterator[FoundResult]:
    try:
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        manifest = None
    if not isinstance(manifest, dict):
        yield FoundResult(folder, 0.0, "damaged")
    elif "baseline" not in manifest:
        yield FoundResult(folder, _started_s(manifest), str(manifest.get("status", "damaged")))


def _started_s(manifest: Mapping[str, Any]) -> float:
    """Return the start of a run in seconds since 1970, by the text where the number is missing; 0 if it is unknown."""
    started = manifest.get("started_s")
    if isinstance(started, int | float):
        return float(started)
    try:
        return datetime.fromisoformat(str(manifest.get("started"))).timestamp()
    except ValueError:
        return 0.0


def has_only_latencies(path: Path) -> bool:
    """Return whether a result was measured without a quality pass; False if its configuration cannot be read."""
    # The table of scores does not tell: it is also empty if a run stopped before its first score.
    try:
        return not ResultFolder(path).read_config().quality
    except InputError:
        return False


def _newest(
    found: Iterable[FoundResult], *, allow_incomplete: bool, scores: bool
) -> tuple[FoundResult | None, list[FoundResult]]:
    """Return the first usable result, and the incomplete ones before it; see `locate_result`."""
    newer: list[FoundResult] = []
    for result in found:
        if scores and has_only_latencies(result.path):
            continue
        if allow_incomplete or result.status == "complete":
            return result, newer
        newer.append(result)
    return None, newer


def _none_usable(folder: Path, found: Sequence[FoundResult], *, only_latencies: bool) -> EvalkitError:
    """Return the error for a folder whose results are incomplete, or contain only latencies."""
    if only_latencies:
        return InputError(
            f"the results in {folder.resolve()} contain only latencies and no scores: {_listed(found)}",
            "measure quality first: evalkit run CONFIG",
        )
    return IncompleteError(
        f"{folder.resolve()} is not a result folder and contains no complete result: {_listed(found)}",
        "resume one with: evalkit run CONFIG --resume DIR",
    )


def _choice(chosen: FoundResult, folder: Path, newer: Sequence[FoundResult]) -> str:
    """Return the note that names the chosen folder, and newer ones that are not complete."""
    kind = "newest complete result" if chosen.status == "complete" else f"newest result ({chosen.status})"
    note = f"using {chosen.path}, the {kind} in {folder}"
    return f"{note}; not complete: {_listed(newer)}" if newer else note


def _listed(results: Sequence[FoundResult]) -> str:
    named = [f"{result.path} ({result.status})" for result in results[:_MOST_NAMED]]
    if len(results) > _MOST_NAMED:
        named.append(f"{len(results) - _MOST_NAMED} more")
    return ", ".join(named)
