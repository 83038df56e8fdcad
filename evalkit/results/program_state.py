"""What computes the figures: evalkit's own files and the installed packages, as one hash."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from evalkit.cache import cache_key

_PACKAGE = Path(__file__).parents[1]
_SETTLED_NS = 2_000_000_000
"""Coarsest time stamp of a file system: a file that changed less long before the import may have changed after it."""
_INSTALLED = (".dist-info", ".egg-info")


def program_key() -> str | None:
    """Return a hash of evalkit's files, of the versions of all installed packages, and of Python.

    The version of evalkit alone is not enough: who edits its code must see what the new code computes. The hash is of
    the files on disk, so it says nothing about a process that loaded older ones.

    Returns
    -------
    str or None
        None if a file changed since this process imported evalkit, or less than two seconds before, or if the files
        cannot be read.
    """
    try:
        return _program_key()
    except OSError:  # an entry of sys.path that Python ignores, or a package that is being removed
        return None


def _program_key() -> str | None:
    digest = hashlib.sha256()
    files = list(_own_files())
    if not any(file.suffix == ".py" for file in files):  # evalkit is in a zip archive or a frozen program
        return None
    for file in files:
        if _is_recent(file):
            return None
        digest.update(f"{file.relative_to(_PACKAGE).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    installed = list(_installed())
    if any(_is_recent(path) for path in installed):
        return None
    python = (sys.implementation.name, platform.python_version(), sys.platform, platform.machine())
    packages = [(path.name, path.stat().st_mtime_ns) for path in installed]
    return cache_key([digest.hexdigest(), python, packages])


def _own_files() -> Iterator[Path]:
    """Yield all files of the package but compiled ones, in the same order each time."""
    for parent, folders, names in os.walk(_PACKAGE):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (Path(parent, name) for name in sorted(names))


def _installed() -> Iterator[Path]:
    """Yield the folders that name the installed packages with their versions."""
    for folder in dict.fromkeys(sys.path):
        if os.path.isdir(folder or "."):  # noqa: PTH112 - an entry may be a zip archive, or missing
            yield from sorted(path for path in Path(folder).iterdir() if path.name.endswith(_INSTALLED))


def _is_recent(path: Path) -> bool:
    # The package itself is not imported by name: it names modules of higher floors.
    imported_ns: int = sys.modules["evalkit"].IMPORTED_NS
    return path.stat().st_ctime_ns > imported_ns - _SETTLED_NS
