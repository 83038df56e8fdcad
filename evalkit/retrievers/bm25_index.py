"""The BM25 index of a corpus, in one part or several: built once, kept in a cache by content hash, memory-mapped."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar
from unicodedata import unidata_version

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evalkit.cache import cache_folder, cache_key, get_or_build
from evalkit.records import Corpus
from evalkit.retrievers.bm25_counts import TermCounts, count, merge_statistics
from evalkit.retrievers.bm25_scores import Bm25Index, score
from evalkit.retrievers.bm25_search import Tops, search
from evalkit.text_analysis import Analyzer

_FORMAT = 3
"""Part of the cache key: raise it when terms, scores or files change for the same input."""


class Shards(Protocol):
    """The index of a corpus in parts, wherever they are kept: here, or by the workers of a cluster.

    A worker holds one part. It needs ``count(texts, analyzer)`` of its documents, then the `merge_statistics` of all
    parts for its ``score(counts, statistics, k1, b)``, and answers with ``search(index, id_ranks, queries, depth)``:
    functions of values that can be sent. Scores and order are then those of one index, bit for bit.
    """

    def search(self, queries: Sequence[Sequence[str]], depth: int) -> list[Tops]:
        """Return what `bm25_search.search` finds in each part."""
        ...


@dataclass(frozen=True, slots=True)
class LocalShards:
    """Parts on this machine's disk, mapped into memory and searched one after the other.

    Attributes
    ----------
    parts
        The index of each part, and the rank of each of its documents' ids among all of the corpus.
    """

    parts: tuple[tuple[Bm25Index, NDArray[np.int64]], ...]

    def search(self, queries: Sequence[Sequence[str]], depth: int) -> list[Tops]:
        """Return the best documents of each part."""
        return [search(index, id_ranks, queries, depth) for index, id_ranks in self.parts]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides an index beside the texts.

    Attributes
    ----------
    analyzer
        What splits the texts.
    k1, b
        See `score`.
    shards
        Parts to build one after the other: one part's counts at a time are in memory.
    """

    analyzer: Analyzer
    k1: float
    b: float
    shards: int = 1


def split_rows(documents: int, shards: int) -> list[slice]:
    """Return the rows of each part of a corpus: neighbours, as many in each as in any other, or one more."""
    edges = [documents * i // shards for i in range(shards + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def open_shards(corpus: Corpus, id_ranks: NDArray[np.int64], recipe: Recipe) -> LocalShards:
    """Return the index of a corpus, from the cache where it was built before.

    Parameters
    ----------
    corpus
        The documents.
    id_ranks
        ``(d,)`` the place of each document's id in the ascending order of all.
    recipe
        What to build.

    Raises
    ------
    StorageError
        If the cache folder cannot be written.
    """
    folder = get_or_build(cache_folder() / "bm25" / _key(corpus, recipe), partial(_build, corpus, recipe))
    rows = split_rows(len(corpus), recipe.shards)
    return LocalShards(
        tuple((load(folder / str(i), Bm25Index), id_ranks[part]) for i, part in enumerate(rows))
    )


def _key(corpus: Corpus, recipe: Recipe) -> str:
    analyzer = recipe.analyzer
    versions = [_FORMAT, version("PyStemmer"), unidata_version]
    words = [analyzer.language, sorted(analyzer.stop_words)]
    return cache_key([*versions, *words, recipe.k1, recipe.b, recipe.shards, corpus.content_hash()])


def _build(corpus: Corpus, recipe: Recipe, folder: Path) -> None:
    """Count all parts, then score each by the statistics of all; one at a time is in memory."""
    statistics = []
    for number, rows in enumerate(split_rows(len(corpus), recipe.shards)):
        texts = tqdm(
            corpus.texts[rows], desc="bm25: indexing", unit="document", disable=None,
            total=len(corpus), initial=rows.start, leave=rows.stop == len(corpus),
        )  # fmt: skip
        counts = count(texts, recipe.analyzer)
        save(folder / f"counts-{number}", counts)
        statistics.append(counts.statistics)
        del counts
    whole = merge_statistics(statistics)
    for number in tqdm(range(recipe.shards), desc="bm25: scoring", unit="part", disable=None):
        counts = load(folder / f"counts-{number}", TermCounts)
        save(folder / str(number), score(counts, whole, recipe.k1, recipe.b))
        del counts
        shutil.rmtree(folder / f"counts-{number}")


_Columns = TypeVar("_Columns", TermCounts, Bm25Index)


def save(folder: Path, columns: TermCounts | Bm25Index) -> None:
    """Write columns into a new folder."""
    import pyarrow as pa

    folder.mkdir()
    for field in fields(columns):
        column = getattr(columns, field.name)
        if isinstance(column, np.ndarray):
            np.save(folder / f"{field.name}.npy", column)
            continue
        table = pa.table({field.name: column})
        with pa.ipc.new_file(str(folder / f"{field.name}.arrow"), table.schema) as file:
            file.write_table(table)


def load(folder: Path, kind: type[_Columns]) -> _Columns:
    """Return the columns of a folder: read where they are looked at, and never all at once."""
    return kind(**{field.name: _mapped(folder, field.name) for field in fields(kind)})


def _mapped(folder: Path, name: str) -> Any:
    import pyarrow as pa

    plain = folder / f"{name}.npy"
    if plain.is_file():
        # A plain view of the mapped file: numpy's memmap is slow to slice.
        return np.asarray(np.load(plain, mmap_mode="r"))
    with pa.memory_map(str(folder / f"{name}.arrow")) as file:
        return pa.ipc.open_file(file).read_all()[name].combine_chunks()
