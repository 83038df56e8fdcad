"""A BM25 index in parts on the workers of a cluster, for corpora that are too large for one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from evalkit.distributed import RayCluster, Replicas, WorkerPool
from evalkit.errors import CallError
from evalkit.progress import progress_bar
from evalkit.records import Corpus
from evalkit.retrievers.bm25_counts import Statistics, count, merge_statistics
from evalkit.retrievers.bm25_index import IndexOptions, split_rows
from evalkit.retrievers.bm25_scores import Bm25Index, score
from evalkit.retrievers.bm25_search import TopDocuments, search

Result = TypeVar("Result")


class IndexPart:
    """The part of an index on one worker: term counts, and scores once the statistics of all parts are known.

    Parameters
    ----------
    texts
        ``(d,)`` texts of the part's documents.
    id_ranks
        ``(d,)`` rank of each document's id among all ids of the corpus, ascending.
    options
        Options of the index.
    """

    def __init__(self, texts: Sequence[str], id_ranks: NDArray[np.int64], options: IndexOptions) -> None:
        self._id_ranks, self._options = id_ranks, options
        self._counts = count(texts, options.analyzer)
        self._index: Bm25Index | None = None

    @property
    def statistics(self) -> Statistics:
        """The statistics of this part, on which the scores of all parts depend."""
        return self._counts.statistics

    def search(self, request: PartSearch) -> TopDocuments | None:
        """Return the best documents; None if the corpus statistics are neither known nor in the request."""
        if self._index is None:
            if request.statistics is None:
                return None
            self._index = score(self._counts, request.statistics, self._options.k1, self._options.b)
        return search(self._index, self._id_ranks, request.queries, request.depth)


@dataclass(frozen=True, slots=True, eq=False)
class PartSearch:
    """A search of one part.

    Attributes
    ----------
    queries
        The terms of each query.
    depth
        Documents to return per query.
    statistics
        Statistics of the whole corpus, for a part that does not know them yet.
    """

    queries: Sequence[Sequence[str]]
    depth: int
    statistics: Statistics | None = None


class ClusterShards:
    """The parts of an index on a cluster. A lost worker is replaced and counts its documents again.

    Parameters
    ----------
    pools
        A pool with one worker for each part.
    threads
        An executor with one thread for each part, which waits for the part's results.
    """

    def __init__(self, pools: Sequence[WorkerPool[IndexPart]], threads: ThreadPoolExecutor) -> None:
        self._pools, self._threads = pools, threads
        part_statistics = self._threads.map(lambda pool: _run_one(pool, _statistics, None), pools)
        bar = progress_bar(part_statistics, desc="bm25: counting", unit="part", total=len(pools))
        self._statistics = merge_statistics(list(bar))

    def search(self, queries: Sequence[Sequence[str]], depth: int) -> list[TopDocuments]:
        """Return the best documents of each part; the parts search in parallel."""
        request = PartSearch(queries, depth)
        return list(self._threads.map(lambda pool: self._search(pool, request), self._pools))

    def _search(self, pool: WorkerPool[IndexPart], request: PartSearch) -> TopDocuments:
        found = _run_one(pool, _search, request)
        if found is None:  # the part is new, or was lost and counted again: send the statistics
            found = _run_one(pool, _search, PartSearch(request.queries, request.depth, self._statistics))
        if found is None:
            raise AssertionError("a part that knows the statistics searches")
        return found


@contextmanager
def spread_shards(
    corpus: Corpus, id_ranks: NDArray[np.int64], options: IndexOptions, cluster: RayCluster
) -> Iterator[ClusterShards]:
    """Yield an index of a corpus in parts on a cluster; the workers end with the context.

    Parameters
    ----------
    corpus, id_ranks, options
        See `bm25_index.open_shards`.
    cluster
        A cluster with at least one processor for each part.

    Raises
    ------
    InputError
        If the cluster has fewer processors.
    """
    cluster.check_capacity(Replicas(options.shards))
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(options.shards))
        openers = [
            partial(IndexPart, corpus.texts[rows], id_ranks[rows], options)
            for rows in split_rows(len(corpus), options.shards)
        ]
        pools = [stack.enter_context(cluster.pool(opener, Replicas(1))) for opener in openers]
        yield ClusterShards(pools, threads)


def _statistics(part: IndexPart, _: None) -> Statistics:
    return part.statistics


def _search(part: IndexPart, request: PartSearch) -> TopDocuments | None:
    return part.search(request)


def _run_one(pool: WorkerPool[IndexPart], function: Callable[[IndexPart, Any], Result], task: Any) -> Result:
    """Return the result of one task; raise its `CallError` if it fails."""
    (completed,) = pool.each(function, [task])
    if isinstance(completed.result, CallError):
        raise completed.result
    return completed.result
