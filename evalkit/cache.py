"""The cache: folders of derived data that can be rebuilt at any time."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import platformdirs
from filelock import FileLock

from evalkit.errors import StorageError
from evalkit.files import create_file, make_folder, remove_folder, swap_folder, write_file

_SETTLED_NS = 2_000_000_000
"""A file that changed less long ago is read again."""
_SECRET_BYTES = 32
HASH_DIGITS = 16
"""Digits of a hash that is shown to people; 64 bits are enough to tell any two contents apart."""


def cache_folder() -> Path:
    """Return the cache folder: ``$EVALKIT_CACHE``, or the cache folder of the user."""
    return Path(os.environ.get("EVALKIT_CACHE") or platformdirs.user_cache_dir("evalkit"))


def user_secret(name: str) -> bytes | None:
    """Return 64 random hexadecimal digits that only this user knows: those of a file in the cache folder.

    Returns
    -------
    bytes or None
        None if the file can be neither read nor created, or if another user made it or can read it: then that user
        may know the secret.
    """
    file = cache_folder() / name
    try:
        if not file.exists():
            make_folder(file.parent)
            with suppress(FileExistsError):  # another process was faster
                create_file(file, secrets.token_hex(_SECRET_BYTES), private=True)
        state, secret = file.stat(), file.read_bytes()
    except OSError:
        return None
    is_private = os.name != "posix" or (state.st_uid == os.getuid() and not state.st_mode & 0o077)
    return secret if is_private and len(secret) == 2 * _SECRET_BYTES else None


def cache_key(values: Any) -> str:
    """Return the SHA-256 of JSON values, as hexadecimal digits."""
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()


def get_or_build(
    folder: Path, build: Callable[[Path], object], is_valid: Callable[[Path], bool] = Path.is_dir
) -> Path:
    """Return a folder of the cache; build it first if it is missing or invalid.

    One process at a time builds the folder under a temporary name and renames it, so that no other process reads a
    partial folder. The next build removes the leftovers of a killed process.

    Parameters
    ----------
    folder
        The cached folder.
    build
        Fills an empty folder.
    is_valid
        Whether an existing folder can be used; one whose files are no longer as long as they were built never can.

    Raises
    ------
    StorageError
        If the cache cannot be written.
    """
    if _is_usable(folder, is_valid):
        return folder
    try:
        make_folder(folder.parent)
        with FileLock(_sibling(folder, "lock")):
            if not _is_usable(folder, is_valid):
                _build(folder, build)
    except OSError as error:
        raise StorageError(
            f"cannot write the cache {folder.parent}: {error}", "set EVALKIT_CACHE to a writable folder"
        ) from None
    return folder


_SIZES = ".sizes.json"
"""File with the length of every other file; folders that earlier versions built have none."""


def _is_usable(folder: Path, is_valid: Callable[[Path], bool]) -> bool:
    """Return whether a folder is valid and its files are as long as they were: a full disk can cut them."""
    if not is_valid(folder):
        return False
    seal = folder / _SIZES
    try:
        return not seal.is_file() or bool(orjson.loads(seal.read_bytes()) == _sizes(folder))
    except (OSError, orjson.JSONDecodeError):
        return False


def _sizes(folder: Path) -> dict[str, int]:
    """Return the length of every file but that of the lengths."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != _SIZES)
    return {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}


def _build(folder: Path, build: Callable[[Path], object]) -> None:
    temporary = _sibling(folder, "new")
    remove_folder(temporary)
    make_folder(temporary)
    try:
        build(temporary)
        write_file(temporary / _SIZES, orjson.dumps(_sizes(temporary)), inside=temporary)
        swap_folder(temporary, folder)
    finally:
        remove_folder(temporary)


def _sibling(folder: Path, suffix: str) -> Path:
    return folder.with_name(f"{folder.name}.{suffix}")


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or one over the names and contents of all files in a folder.

    Links are followed. Sizes and times are not enough to tell contents apart: files of container images and
    reproducible archives share them.
    """
    if path.is_file():
        return _file_hash(path)
    lines = [f"{file.relative_to(path).as_posix()}\0{_file_hash(file)}" for file in sorted(_files(path))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """Yield all files in a folder; each folder once, however many links lead to it from inside."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (file for name in names if (file := Path(parent, name)).is_file())


def _file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, computed once for a process unless the file changes: models have gigabytes."""
    state = path.stat()
    if time.time_ns() - state.st_ctime_ns < _SETTLED_NS:  # a further change could have the same time
        return _read_hash.__wrapped__(path, 0, 0)
    return _read_hash(path.resolve(), state.st_ctime_ns, state.st_ino)


@lru_cache(maxsize=4096)
def _read_hash(path: Path, changed_ns: int, inode: int) -> str:
    """Return the SHA-256 of a file; unlike its modification time, the time of its change cannot be set."""
    del changed_ns, inode
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
