"""Vectors of a corpus in one file: embedded once, mapped into memory, taken up again after an interruption."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from tqdm import tqdm

from evalkit.errors import StorageError

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts in; ``(n, dimension)`` finite vectors out."""
_WHOLE, _PART = ".f32", ".part"
"""A file is named after the dimension; its size tells how many vectors it holds."""


def kept_vectors(
    folder: Path, texts: Sequence[str], embed: Embed, chunk: int, tag: str
) -> NDArray[np.float32]:
    """Return the vectors of some texts, embedding those that are not kept yet.

    Every chunk is kept as soon as it is embedded. Another process that wants the same waits.

    Parameters
    ----------
    folder
        Where they are kept: the folder of these texts and this model alone.
    texts
        ``(n,)``, one at least.
    embed
        The model.
    chunk
        Texts embedded at once.
    tag
        What the progress bar says.

    Returns
    -------
    ``(n, dimension)``, mapped from a file.

    Raises
    ------
    StorageError
        If the cache cannot be written.
    """
    try:
        file = _only(folder, _WHOLE)
        if file is None:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "lock"):
                file = _only(folder, _WHOLE) or _embed_rest(folder, texts, embed, chunk, tag)
    except OSError as error:
        raise StorageError(
            f"cannot keep vectors in {folder}: {error}",
            "make room there, or set EVALKIT_CACHE to a folder you can write",
        ) from None
    return np.memmap(file, dtype=np.float32, mode="r", shape=(len(texts), int(file.stem)))


def _embed_rest(folder: Path, texts: Sequence[str], embed: Embed, chunk: int, tag: str) -> Path:
    part = _only(folder, _PART)
    done = part.stat().st_size // (4 * int(part.stem)) if part else 0
    with tqdm(
        total=len(texts), initial=done, desc=f"{tag}: embedding", unit="document", disable=None
    ) as progress:
        while done < len(texts):
            vectors = embed(texts[done : done + chunk])
            part = folder / f"{vectors.shape[1]}{_PART}"
            with part.open("ab") as stream:
                _append(stream, vectors, done)
            done += len(vectors)
            progress.update(len(vectors))
    if part is None:
        raise ValueError("there is nothing to embed")
    return part.rename(part.with_suffix(_WHOLE))


def _append(stream: BinaryIO, vectors: NDArray[np.float32], done: int) -> None:
    """Write vectors after those that are done, over what an interrupted process may have left of the next."""
    stream.truncate(4 * done * vectors.shape[1])
    stream.write(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())
    stream.flush()
    os.fsync(stream.fileno())


def _only(folder: Path, ending: str) -> Path | None:
    return next(folder.glob(f"*{ending}"), None)
