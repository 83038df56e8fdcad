"""A BM25 index in parts, each held by a worker of a cluster: corpora that no single machine would index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evalkit.distributed import RayCluster, Replicas, WorkerPool
from evalkit.errors import CallError
from evalkit.records import Corpus
from evalkit.retrievers.bm25_counts import Statistics, count, merge_statistics
from evalkit.retrievers.bm25_index import Recipe, split_rows
from evalkit.retrievers.bm25_scores import Bm25Index, score
from evalkit.retrievers.bm25_search import Tops, search

Result = TypeVar("Result")


class Part:
    """What a worker holds: some documents, counted, and their index once the statistics of all are known.

    Parameters
    ----------
    texts
        The documents.
    id_ranks
        ``(d,)`` the place of each one's id in the ascending order of all of the corpus.
    recipe
        What to build.
    """

    def __init__(self, texts: Sequence[str], id_ranks: NDArray[np.int64], recipe: Recipe) -> None:
        self._id_ranks, self._recipe = id_ranks, recipe
        self._counts = count(texts, recipe.analyzer)
        self._index: Bm25Index | None = None

    @property
    def statistics(self) -> Statistics:
        """What the scores of other parts depend on."""
        return self._counts.statistics

    def search(self, asked: Asked) -> Tops | None:
        """Return the best documents; None where the statistics of all are not known here, and not sent."""
        if self._index is None:
            if asked.whole is None:
                return None
            self._index = score(self._counts, asked.whole, self._recipe.k1, self._recipe.b)
        return search(self._index, self._id_ranks, asked.queries, asked.depth)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Queries, as terms, and how many documents are wanted of each; with the statistics of all if need be."""

    queries: Sequence[Sequence[str]]
    depth: int
    whole: Statistics | None = None


class ClusterShards:
    """The parts of an index, seen from here. A worker that is lost is replaced, and counts its documents again.

    Parameters
    ----------
    pools
        One hand for each part.
    threads
        One for each part, in which its answers are waited for.
    """

    def __init__(self, pools: Sequence[WorkerPool[Part]], threads: ThreadPoolExecutor) -> None:
        self._pools, self._threads = pools, threads
        counted = self._threads.map(lambda pool: _one(pool, _statistics, None), pools)
        bar = tqdm(counted, desc="bm25: counting", unit="part", total=len(pools), disable=None)
        self._whole = merge_statistics(list(bar))

    def search(self, queries: Sequence[Sequence[str]], depth: int) -> list[Tops]:
        """Return what each part finds; all parts search at the same time."""
        return list(self._threads.map(lambda pool: self._search(pool, Asked(queries, depth)), self._pools))

    def _search(self, pool: WorkerPool[Part], asked: Asked) -> Tops:
        found = _one(pool, _search, asked)
        if found is None:  # a part that is new, or was lost and counted again
            found = _one(pool, _search, Asked(asked.queries, asked.depth, self._whole))
        if found is None:
            raise AssertionError("a part that knows the statistics searches")
        return found


@contextmanager
def spread_shards(
    corpus: Corpus, id_ranks: NDArray[np.int64], recipe: Recipe, cluster: RayCluster
) -> Iterator[ClusterShards]:
    """Index a corpus in parts on a cluster, for as long as it is searched.

    Parameters
    ----------
    corpus, id_ranks, recipe
        See `bm25_index.open_shards`.
    cluster
        Has a processor for each part.

    Raises
    ------
    InputError
        If the cluster has fewer processors.
    """
    cluster.check_capacity(Replicas(recipe.shards))
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(recipe.shards))
        openers = [
            partial(Part, corpus.texts[rows], id_ranks[rows], recipe)
            for rows in split_rows(len(corpus), recipe.shards)
        ]
        pools = [stack.enter_context(cluster.pool(opener, Replicas(1))) for opener in openers]
        yield ClusterShards(pools, threads)


def _statistics(part: Part, _: None) -> Statistics:
    return part.statistics


def _search(part: Part, asked: Asked) -> Tops | None:
    return part.search(asked)


def _one(pool: WorkerPool[Part], do: Callable[[Part, Any], Result], task: Any) -> Result:
    """Return the result of one task."""
    (work,) = pool.each(do, [task])
    if isinstance(work.result, CallError):
        raise work.result
    return work.result
