"""BM25: a first stage that needs no service, in one total order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from tqdm import tqdm

from evalkit.config import RetrieverSettings
from evalkit.config.settings import Language
from evalkit.distributed import RayCluster
from evalkit.records import Dataset, Query, Run
from evalkit.retrievers.bm25_cluster import spread_shards
from evalkit.retrievers.bm25_index import Recipe, Shards, open_shards
from evalkit.retrievers.bm25_search import merge
from evalkit.text_analysis import Analyzer

_TOGETHER = 256
"""Queries searched at once: what is found of them in every part is held until it is merged."""


class Bm25:
    """BM25 (Lucene's variant, k1 0.9 and b 0.4 by default) with a cached, memory-mapped index.

    The order of equal scores depends neither on a backend nor on the order of the corpus file, nor on the number
    of parts.

    Parameters
    ----------
    settings, dataset
        What to search, and how.
    shards
        The index in parts that someone else built over ``dataset.corpus``, for example the workers of a cluster;
        absent, it is built here or taken from the cache.
    """

    class Settings(RetrieverSettings):
        """Settings of `bm25`.

        Attributes
        ----------
        k1
            Saturation of term frequency.
        b
            Strength of length normalisation.
        language
            Any Snowball language, or one that is split into pairs of characters: ``chinese``, ``japanese``,
            ``korean``, ``thai``, ``lao``, ``khmer``, ``burmese``; the dataset's own where absent.
        shards
            Parts of the index: more of them take less memory, and change no score. They are built one after the
            other, or each by a worker of its own where ``execution:`` names a cluster.
        """

        kind: Literal["bm25"] = "bm25"
        k1: Annotated[float, Field(ge=0)] = 0.9
        b: Annotated[float, Field(ge=0, le=1)] = 0.4
        language: Language | None = None
        shards: Annotated[int, Field(ge=1, le=10_000)] = 1

    def __init__(self, settings: Settings, dataset: Dataset, shards: Shards | None = None) -> None:
        self._tag = settings.label
        id_ranks = rank_ids(dataset.corpus.doc_ids)
        self._ids = np.empty(len(id_ranks), dtype=object)
        self._ids[id_ranks] = dataset.corpus.doc_ids
        recipe = recipe_of(settings, dataset)
        self._analyzer = recipe.analyzer
        self._shards = shards or open_shards(dataset.corpus, id_ranks, recipe)

    @classmethod
    @contextmanager
    def spread(cls, settings: Settings, dataset: Dataset, cluster: RayCluster) -> Iterator[Bm25]:
        """Give BM25 with its parts on a cluster; of an index in one part there is nothing to spread."""
        if settings.shards == 1:
            yield cls(settings, dataset)
            return
        id_ranks, recipe = rank_ids(dataset.corpus.doc_ids), recipe_of(settings, dataset)
        with spread_shards(dataset.corpus, id_ranks, recipe, cluster) as shards:
            yield cls(settings, dataset, shards)

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return the `depth` best documents of each query, by score then doc_id, both descending.

        A document that shares no term with the query is never returned.
        """
        lengths: list[int] = []
        doc_ids: list[str] = []
        scores: list[NDArray[np.float64]] = [np.empty(0)]
        with tqdm(
            total=len(queries), desc=f"{self._tag}: retrieving", unit="query", disable=None
        ) as progress:
            for start in range(0, len(queries), _TOGETHER):
                some = queries[start : start + _TOGETHER]
                tops = merge(self._shards.search([self._analyzer.terms(q.text) for q in some], depth), depth)
                lengths += np.diff(tops.offsets).tolist()
                doc_ids += self._ids[tops.id_ranks].tolist()
                scores.append(tops.scores)
                progress.update(len(some))
        found = [(query.query_id, n) for query, n in zip(queries, lengths, strict=True) if n]
        offsets = np.cumsum([0, *(n for _, n in found)])
        return Run(self._tag, tuple(q for q, _ in found), offsets, tuple(doc_ids), np.concatenate(scores))


def recipe_of(settings: Bm25.Settings, dataset: Dataset) -> Recipe:
    """Return what decides the index."""
    analyzer = Analyzer(settings.language or dataset.origin.language)
    return Recipe(analyzer, settings.k1, settings.b, settings.shards)


def rank_ids(doc_ids: Sequence[str]) -> NDArray[np.int64]:
    """Return ``(d,)`` the place of each document's id in their ascending order."""
    ranks = np.empty(len(doc_ids), dtype=np.int64)
    ranks[sorted(range(len(doc_ids)), key=doc_ids.__getitem__)] = np.arange(len(doc_ids))
    return ranks
