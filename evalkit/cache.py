"""Things that can be made again: where they are kept, and how one gets there whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import platformdirs
from filelock import FileLock

from evalkit.errors import StorageError


def cache_folder() -> Path:
    """Return the folder for things that can be made again: ``$EVALKIT_CACHE`` or the user's cache."""
    return Path(os.environ.get("EVALKIT_CACHE") or platformdirs.user_cache_dir("evalkit"))


def key_of(facts: Any) -> str:
    """Return a name for what plain values decide."""
    return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def kept(folder: Path, build: Callable[[Path], object], sound: Callable[[Path], bool] = Path.is_dir) -> Path:
    """Return a folder of the cache, built first if it is not there or no longer sound.

    It is built aside and renamed, by one process at a time: others wait for it, nobody sees half of it,
    and what a killed process left behind is cleared away by the next.

    Parameters
    ----------
    folder
        Where it is kept.
    build
        Fills an empty folder.
    sound
        Whether what stands there can be used.

    Raises
    ------
    StorageError
        If the cache cannot be written.
    """
    if sound(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(_beside(folder, "lock")):
            if not sound(folder):
                _build(folder, build)
    except OSError as error:
        raise StorageError(
            f"cannot write the cache {folder.parent}: {error}", "set EVALKIT_CACHE to a folder you can write"
        ) from None
    return folder


def _build(folder: Path, build: Callable[[Path], object]) -> None:
    aside = _beside(folder, "new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        build(aside)
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _beside(folder: Path, ending: str) -> Path:
    return folder.with_name(f"{folder.name}.{ending}")


def fingerprint(folder: Path) -> str:
    """Return a hash over names, sizes and times of change of the files of a folder."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    told = [f"{file.relative_to(folder)}\0{file.stat().st_size}\0{file.stat().st_mtime_ns}" for file in files]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
