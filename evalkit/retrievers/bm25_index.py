"""The BM25 index: built by bm25s, kept in a cache by content hash, memory-mapped."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import orjson
import platformdirs
from numpy.typing import NDArray
from tqdm import tqdm

from evalkit.errors import StorageError
from evalkit.records import Corpus
from evalkit.terms import Analyzer

_FORMAT = 1
"""Part of the cache key: raise it when terms or scores change for the same input."""


@dataclass(frozen=True, slots=True)
class Bm25Index:
    """Term scores in compressed columns.

    Attributes
    ----------
    vocabulary
        Term -> column.
    indptr
        ``(terms + 1,)`` column ``t`` is ``indices[indptr[t]:indptr[t + 1]]``.
    indices
        Rows of the documents that hold the term.
    data
        float32 score of the term in that document.
    documents
        Number of documents.
    """

    vocabulary: Mapping[str, int]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[np.float32]
    documents: int


def cache_folder() -> Path:
    """Return the folder for things that can be made again: ``$EVALKIT_CACHE`` or the user's cache."""
    return Path(os.environ.get("EVALKIT_CACHE") or platformdirs.user_cache_dir("evalkit"))


def open_index(corpus: Corpus, analyzer: Analyzer, k1: float, b: float) -> Bm25Index:
    """Return the index of a corpus, from the cache where it was built before.

    Raises
    ------
    StorageError
        If the cache folder cannot be written.
    """
    folder = cache_folder() / "bm25" / _key(corpus, analyzer, k1, b)
    if not (folder / "vocabulary.json").is_file():
        _build(corpus, analyzer, k1, b, folder)
    return Bm25Index(
        vocabulary=orjson.loads((folder / "vocabulary.json").read_bytes()),
        indptr=np.load(folder / "indptr.npy", mmap_mode="r"),
        indices=np.load(folder / "indices.npy", mmap_mode="r"),
        data=np.load(folder / "data.npy", mmap_mode="r"),
        documents=len(corpus),
    )


def _key(corpus: Corpus, analyzer: Analyzer, k1: float, b: float) -> str:
    settings = [_FORMAT, version("bm25s"), version("PyStemmer"), analyzer.language, k1, b]
    digest = hashlib.sha256(orjson.dumps([*settings, sorted(analyzer.stop_words)]))
    for text in corpus.texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _build(corpus: Corpus, analyzer: Analyzer, k1: float, b: float, folder: Path) -> None:
    import bm25s

    progress = tqdm(corpus.texts, desc="bm25: indexing", unit="document", disable=None)
    terms = analyzer.all_terms(progress)
    model = bm25s.BM25(k1=k1, b=b, method="lucene")
    if any(terms):
        model.index(terms, show_progress=False)
        arrays, vocabulary = model.scores, model.vocab_dict
    else:  # bm25s cannot index a corpus without a single term
        arrays = {
            "indptr": np.zeros(1, np.int64),
            "indices": np.empty(0, np.int32),
            "data": np.empty(0, np.float32),
        }
        vocabulary = {}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Built aside and renamed, so that another process never sees half an index.
        aside = Path(tempfile.mkdtemp(dir=folder.parent))
        for name in ("indptr", "indices", "data"):
            np.save(aside / f"{name}.npy", np.asarray(arrays[name]))
        (aside / "vocabulary.json").write_bytes(orjson.dumps(vocabulary))
        _move_into_place(aside, folder)
    except OSError as error:
        raise StorageError(
            f"cannot write the index cache {folder.parent}: {error}",
            "set EVALKIT_CACHE to a folder you can write",
        ) from None


def _move_into_place(aside: Path, folder: Path) -> None:
    try:
        aside.rename(folder)
    except OSError:
        shutil.rmtree(aside)  # another process was first: its index is the same
        if not folder.is_dir():
            raise
