"""Lock backends across processes: two experiments that use one backend at once would pay for the same pairs."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from evalkit.errors import StorageError, printable
from evalkit.files import make_folder


@contextmanager
def lock_backends(
    store: Path, names: Iterable[str], shared: str = "uses the same backend and store"
) -> Iterator[None]:
    """Lock the names on this store for the block; wait while another process holds one of them.

    The locks are files in a folder next to the store. The operating system releases those of a process that
    dies.

    Parameters
    ----------
    store
        The store, or another file next to which the locks are.
    names
        What is locked.
    shared
        What the other process does, as the user reads it while this one waits.

    Raises
    ------
    StorageError
        If a lock file cannot be created.
    """
    folder = store.with_name(f".{store.name}.locks")
    with ExitStack() as locks:
        try:
            make_folder(folder)
            # All processes lock in the same order, so that they cannot deadlock.
            for name in sorted(hashlib.sha256(name.encode()).hexdigest()[:16] for name in set(names)):
                locks.enter_context(_wait(FileLock(folder / f"{name}.lock"), store, shared))
        except OSError as error:
            raise StorageError(
                f"the score store {store.resolve()} cannot be used: {error}",
                "set store.path to a writable location",
            ) from None
        yield


@contextmanager
def _wait(lock: FileLock, store: Path, shared: str) -> Iterator[None]:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        sys.stderr.write(f"waiting for another evalkit process that {shared} {printable(str(store))}\n")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
