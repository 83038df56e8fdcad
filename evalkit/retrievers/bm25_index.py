"""The BM25 index of a corpus in one or several parts: built once, cached by content hash, memory-mapped."""

from __future__ import annotations

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

from evalkit.cache import cache_folder, cache_key, get_or_build
from evalkit.files import make_folder, remove_folder, replacing_file
from evalkit.progress import progress_bar
from evalkit.records import Corpus
from evalkit.retrievers.bm25_counts import TermCounts, count, merge_statistics
from evalkit.retrievers.bm25_scores import Bm25Index, score
from evalkit.retrievers.bm25_search import TopDocuments, search
from evalkit.text_analysis import Analyzer

_FORMAT = 3
"""Part of the cache key: increment it when terms, scores or files change for the same input."""


class Shards(Protocol):
    """The index of a corpus in parts, in this process or on the workers of a cluster.

    A worker has one part. It computes ``count(texts, analyzer)`` of its documents, then ``score(counts, statistics, k1,
    b)`` with the `merge_statistics` of all parts, and searches with ``search(index, id_ranks, queries, depth)``. All
    arguments are picklable. Scores and order are identical to those of one index, bit for bit.
    """

    def search(self, queries: Sequence[Sequence[str]], depth: int) -> list[TopDocuments]:
        """Return the result of `bm25_search.search` for each part."""
        ...


@dataclass(frozen=True, slots=True)
class LocalShards:
    """Memory-mapped parts on this machine's disk, searched one after the other.

    Attributes
    ----------
    parts
        The index of each part, and the rank of each of its documents' ids among all ids of the corpus.
    """

    parts: tuple[tuple[Bm25Index, NDArray[np.int64]], ...]

    def search(self, queries: Sequence[Sequence[str]], depth: int) -> list[TopDocuments]:
        """Return the best documents of each part."""
        return [search(index, id_ranks, queries, depth) for index, id_ranks in self.parts]


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """The options of an index; together with the texts they determine it.

    Attributes
    ----------
    analyzer
        Splits the texts into terms.
    k1, b
        See `score`.
    shards
        Number of parts. A local index is built one part at a time, with one part's counts in memory.
    """

    analyzer: Analyzer
    k1: float
    b: float
    shards: int = 1


def split_rows(documents: int, shards: int) -> list[slice]:
    """Return the rows of each part of a corpus: contiguous slices whose sizes differ by at most one."""
    edges = [documents * i // shards for i in range(shards + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def open_shards(corpus: Corpus, id_ranks: NDArray[np.int64], options: IndexOptions) -> LocalShards:
    """Return the index of a corpus from the cache; build it first if it is not cached.

    Parameters
    ----------
    corpus
        The documents.
    id_ranks
        ``(d,)`` rank of each document's id in ascending order of all ids.
    options
        Options of the index.

    Raises
    ------
    StorageError
        If the cache folder cannot be written.
    """
    folder = get_or_build(cache_folder() / "bm25" / _key(corpus, options), partial(_build, corpus, options))
    parts = split_rows(len(corpus), options.shards)
    return LocalShards(
        tuple((load(folder / str(i), Bm25Index), id_ranks[rows]) for i, rows in enumerate(parts))
    )


def _key(corpus: Corpus, options: IndexOptions) -> str:
    analyzer = options.analyzer
    versions = [_FORMAT, version("PyStemmer"), unidata_version]
    words = [analyzer.language, sorted(analyzer.stop_words)]
    return cache_key([*versions, *words, options.k1, options.b, options.shards, corpus.content_hash()])


def _build(corpus: Corpus, options: IndexOptions, folder: Path) -> None:
    """Count all parts, then compute the scores of each with the statistics of all; one part at a time in memory."""
    part_statistics = []
    for number, rows in enumerate(split_rows(len(corpus), options.shards)):
        texts = progress_bar(
            corpus.texts[rows], desc="bm25: indexing", unit="document",
            total=len(corpus), initial=rows.start, leave=rows.stop == len(corpus),
        )  # fmt: skip
        counts = count(texts, options.analyzer)
        save(folder / f"counts-{number}", counts)
        part_statistics.append(counts.statistics)
        del counts
    statistics = merge_statistics(part_statistics)
    for number in progress_bar(range(options.shards), desc="bm25: scoring", unit="part"):
        counts = load(folder / f"counts-{number}", TermCounts)
        save(folder / str(number), score(counts, statistics, options.k1, options.b))
        del counts
        remove_folder(folder / f"counts-{number}")


_Columns = TypeVar("_Columns", TermCounts, Bm25Index)


def save(folder: Path, columns: TermCounts | Bm25Index) -> None:
    """Write each column to a file in a new folder."""
    import pyarrow as pa

    make_folder(folder)
    for field in fields(columns):
        column = getattr(columns, field.name)
        if isinstance(column, np.ndarray):
            with replacing_file(folder / f"{field.name}.npy", inside=folder) as file:
                np.save(file, column)
            continue
        table = pa.table({field.name: column})
        with (
            replacing_file(folder / f"{field.name}.arrow", inside=folder) as file,
            pa.ipc.new_file(file, table.schema) as writer,
        ):
            writer.write_table(table)


def load(folder: Path, kind: type[_Columns]) -> _Columns:
    """Return the memory-mapped columns of a folder."""
    return kind(**{field.name: _map_column(folder, field.name) for field in fields(kind)})


def _map_column(folder: Path, name: str) -> Any:
    import pyarrow as pa

    numpy_file = folder / f"{name}.npy"
    if numpy_file.is_file():
        # An ndarray view of the mapped file: slicing numpy's memmap class is slow.
        return np.asarray(np.load(numpy_file, mmap_mode="r"))
    with pa.memory_map(str(folder / f"{name}.arrow")) as file:
        return pa.ipc.open_file(file).read_all()[name].combine_chunks()
