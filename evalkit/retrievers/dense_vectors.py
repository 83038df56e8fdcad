"""Cache the vectors of a corpus in one memory-mapped file; an interrupted embedding is resumed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from evalkit.cache import get_or_build
from evalkit.errors import StorageError
from evalkit.files import make_folder, sync_folder
from evalkit.progress import progress_bar
from evalkit.retrievers.dense_search import lengths_of

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""A function that returns ``(n, dimension)`` finite vectors of n texts."""
_LENGTHS = "lengths.npy"
_COMPLETE, _PARTIAL = ".f32", ".part"
"""Suffixes of vector files. The file name is the dimension; the size of a file determines its number of vectors."""


def cached_vectors(
    folder: Path, texts: Sequence[str], embed: Embed, chunk: int, tag: str
) -> NDArray[np.float32]:
    """Return the vectors of texts; embed those that are not cached yet.

    Every chunk is written as soon as it is embedded. Another process that needs the same vectors waits.

    Parameters
    ----------
    folder
        Cache folder for these texts and this model only.
    texts
        ``(n,)`` texts, n of at least 1.
    embed
        Embeds a list of texts.
    chunk
        Number of texts embedded at once.
    tag
        Label of the progress bar.

    Returns
    -------
    ``(n, dimension)`` vectors, memory-mapped.

    Raises
    ------
    StorageError
        If the cache cannot be written.
    """
    try:
        file = _find_complete(folder, len(texts))
        if file is None:
            make_folder(folder)
            with FileLock(folder / "lock"):
                file = _find_complete(folder, len(texts)) or _embed_missing(folder, texts, embed, chunk, tag)
    except OSError as error:
        raise StorageError(
            f"cannot write vectors to {folder}: {error}",
            "free disk space there, or set EVALKIT_CACHE to a writable folder",
        ) from None
    return np.memmap(file, dtype=np.float32, mode="r", shape=(len(texts), int(file.stem)))


def cached_lengths(folder: Path, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(n,)`` lengths of cached vectors; compute them if they are not cached next to them.

    Raises
    ------
    StorageError
        If the cache cannot be written.
    """
    built = get_or_build(
        folder.with_name(f"{folder.name}-lengths"),
        lambda place: np.save(place / _LENGTHS, lengths_of(vectors)),
        lambda place: (place / _LENGTHS).is_file(),
    )
    return np.asarray(np.load(built / _LENGTHS))


def _embed_missing(folder: Path, texts: Sequence[str], embed: Embed, chunk: int, tag: str) -> Path:
    """Embed the texts without a vector in the partial file; return the complete file."""
    partial = _find_file(folder, _PARTIAL)
    done = partial.stat().st_size // (4 * int(partial.stem)) if partial else 0
    with progress_bar(total=len(texts), initial=done, desc=f"{tag}: embedding", unit="document") as progress:
        while done < len(texts):
            vectors = embed(texts[done : done + chunk])
            partial = folder / f"{vectors.shape[1]}{_PARTIAL}"
            with partial.open("ab") as stream:
                _append(stream, vectors, done)
            done += len(vectors)
            progress.update(len(vectors))
    if partial is None:
        raise ValueError("the corpus contains no documents")
    complete = partial.rename(partial.with_suffix(_COMPLETE))
    sync_folder(folder)
    return complete


def _append(stream: BinaryIO, vectors: NDArray[np.float32], done: int) -> None:
    """Write vectors after the first `done` ones; overwrite an incomplete vector of an interrupted process."""
    stream.truncate(4 * done * vectors.shape[1])
    stream.write(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())
    stream.flush()
    os.fsync(stream.fileno())


def _find_complete(folder: Path, texts: int) -> Path | None:
    """Return the file with the vectors of all texts; one of another length is damaged, and is removed."""
    file = _find_file(folder, _COMPLETE)
    if file is not None and file.stat().st_size != 4 * texts * int(file.stem):
        file.unlink()
        return None
    return file


def _find_file(folder: Path, suffix: str) -> Path | None:
    """Return the file with this suffix, whose name is the dimension of the vectors."""
    return next((file for file in folder.glob(f"*{suffix}") if file.stem.isdigit() and int(file.stem)), None)
