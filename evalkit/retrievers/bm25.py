"""The BM25 first stage, which needs no service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from evalkit.config import RetrieverSettings
from evalkit.config.settings import Language
from evalkit.progress import progress_bar
from evalkit.records import Dataset, Query, Run
from evalkit.retrievers.bm25_index import IndexOptions, Shards, open_shards
from evalkit.retrievers.bm25_search import merge
from evalkit.text_analysis import Analyzer

if TYPE_CHECKING:
    from evalkit.distributed import RayCluster

_QUERIES_PER_BATCH = 256
"""Queries searched at once: the results of all parts stay in memory until they are merged."""


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
            Saturation parameter of term frequency.
        b
            Length normalisation, from 0 (none) to 1 (full).
        language
            Any Snowball language, or one that is tokenised into character bigrams: ``chinese``, ``japanese``,
            ``korean``, ``thai``, ``lao``, ``khmer``, ``burmese`` (default: the language of the dataset).
        shards
            Parts of the index. More parts need less memory and give the same scores. With a cluster in
            ``execution:``, each part has its own worker.
        """

        kind: Literal["bm25"] = "bm25"
        k1: Annotated[float, Field(ge=0, le=1e6)] = 0.9
        b: Annotated[float, Field(ge=0, le=1)] = 0.4
        language: Language | None = None
        shards: Annotated[int, Field(ge=1, le=10_000)] = 1

        repeats_exactly: ClassVar[bool] = True

    def __init__(self, settings: Settings, dataset: Dataset, shards: Shards | None = None) -> None:
        self._tag = settings.label
        id_ranks = rank_ids(dataset.corpus.doc_ids)
        self._ids = np.empty(len(id_ranks), dtype=object)
        self._ids[id_ranks] = dataset.corpus.doc_ids
        options = index_options(settings, dataset)
        self._analyzer = options.analyzer
        self._shards = shards or open_shards(dataset.corpus, id_ranks, options)

    @classmethod
    @contextmanager
    def spread(cls, settings: Settings, dataset: Dataset, cluster: RayCluster) -> Iterator[Bm25]:
        """Yield a retriever whose index parts are on the cluster; an index in one part stays in this process."""
        if settings.shards == 1:
            yield cls(settings, dataset)
            return
        from evalkit.retrievers.bm25_cluster import spread_shards

        id_ranks, options = rank_ids(dataset.corpus.doc_ids), index_options(settings, dataset)
        with spread_shards(dataset.corpus, id_ranks, options, cluster) as shards:
            yield cls(settings, dataset, shards)

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return the `depth` best documents of each query, by score, then doc_id, both descending.

        A document without a term of the query is not returned.
        """
        lengths: list[int] = []
        doc_ids: list[str] = []
        scores: list[NDArray[np.float64]] = [np.empty(0)]
        with progress_bar(total=len(queries), desc=f"{self._tag}: retrieving", unit="query") as progress:
            for start in range(0, len(queries), _QUERIES_PER_BATCH):
                batch = queries[start : start + _QUERIES_PER_BATCH]
                terms = [self._analyzer.terms(query.text) for query in batch]
                top = merge(self._shards.search(terms, depth), depth)
                lengths += np.diff(top.offsets).tolist()
                doc_ids += self._ids[top.id_ranks].tolist()
                scores.append(top.scores)
                progress.update(len(batch))
        found = [(query.query_id, n) for query, n in zip(queries, lengths, strict=True) if n]
        offsets = np.cumsum([0, *(n for _, n in found)])
        return Run.from_lists(self._tag, tuple(q for q, _ in found), offsets, doc_ids, np.concatenate(scores))


def index_options(settings: Bm25.Settings, dataset: Dataset) -> IndexOptions:
    """Return the options of the index for a dataset."""
    analyzer = Analyzer(settings.language or dataset.origin.language)
    return IndexOptions(analyzer, settings.k1, settings.b, settings.shards)


def rank_ids(doc_ids: Sequence[str]) -> NDArray[np.int64]:
    """Return the ``(d,)`` rank of each document's id in ascending order of ids, from 0."""
    ranks = np.empty(len(doc_ids), dtype=np.int64)
    ranks[sorted(range(len(doc_ids)), key=doc_ids.__getitem__)] = np.arange(len(doc_ids))
    return ranks
