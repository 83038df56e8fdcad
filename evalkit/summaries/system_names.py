"""Names of systems from the paths of their files or folders: short, and different for different systems."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from evalkit.errors import InputError
from evalkit.file_names import same_looking
from evalkit.records import Run


def distinct_tags(runs: Sequence[Run], files: Sequence[str | Path]) -> list[Run]:
    """Return runs of which those that share a tag are named by the shortest different parts of their paths instead.

    Tags that look the same to a reader count as one.

    Parameters
    ----------
    runs, files
        ``(n,)`` runs and the files that they were read from.

    Raises
    ------
    InputError
        If a file is given twice, also through a link or another spelling of its path.
    """
    check_different_files(files)
    counts = Counter(same_looking(run.tag) for run in runs)
    kept = {run.tag for run in runs if counts[same_looking(run.tag)] == 1}
    shared = [place for place, run in enumerate(runs) if run.tag not in kept]
    named = dict(zip(shared, shortest_paths([files[place] for place in shared], kept), strict=True))
    return [replace(run, tag=named[place]) if place in named else run for place, run in enumerate(runs)]


def check_different_files(files: Sequence[str | Path]) -> None:
    """Check that no file is given twice.

    Raises
    ------
    InputError
        If one is.
    """
    seen: dict[tuple[int, int] | str, str | Path] = {}
    for file in files:
        identity = _identity(Path(file))
        if identity in seen:
            same = "" if str(seen[identity]) == str(file) else f": {seen[identity]} is the same file"
            raise InputError(f"{file} is given twice{same}", "give each file once")
        seen[identity] = file


def _identity(path: Path) -> tuple[int, int] | str:
    """Return what is the same for two paths of one file."""
    try:
        found = path.stat()
    except OSError:
        return str(path.absolute())
    return found.st_dev, found.st_ino


def shortest_paths(paths: Sequence[str | Path], taken: Collection[str] = ()) -> list[str]:
    """Return the shortest end of each path that no other path has and that is not taken, in whole names.

    Parameters
    ----------
    paths
        ``(n,)`` paths of different files or folders.
    taken
        Names that other systems have.
    """
    parts = [Path(os.path.abspath(path)).parts for path in paths]  # noqa: PTH100 - links stay as they are named
    used = set(taken)
    names = []
    for place, mine in enumerate(parts):
        others = parts[:place] + parts[place + 1 :]
        ends = (
            "/".join(mine[-count:])
            for count in range(1, len(mine) + 1)
            if not any(other[-count:] == mine[-count:] for other in others)
        )
        name = next((end for end in ends if end not in used), None) or _numbered("/".join(mine), used)
        used.add(name)
        names.append(name)
    return names


def _numbered(name: str, used: Collection[str]) -> str:
    """Return a name with a number that no other system has; tags hold no blank."""
    number = 2
    while f"{name} ({number})" in used:
        number += 1
    return f"{name} ({number})"
