"""BM25 on a bm25s index, searched in one total order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from tqdm import tqdm

from evalkit.config import RetrieverSettings
from evalkit.records import Dataset, Query, Run
from evalkit.retrievers.bm25_index import Bm25Index, open_index
from evalkit.terms import Analyzer


class Bm25:
    """BM25 (Lucene's variant, k1 0.9 and b 0.4 by default) with a cached, memory-mapped index.

    bm25s computes the term scores; the search over its arrays is our own, because the order of
    equal scores must not depend on the backend or on the order of the corpus file.
    """

    class Settings(RetrieverSettings):
        """Settings of `bm25`.

        Attributes
        ----------
        k1, b
            Saturation of term frequency and strength of length normalisation.
        language
            Snowball language; the dataset's own where absent.
        """

        kind: Literal["bm25"] = "bm25"
        k1: Annotated[float, Field(ge=0)] = 0.9
        b: Annotated[float, Field(ge=0, le=1)] = 0.4
        language: str | None = None

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        self._tag = settings.label
        self._doc_ids = dataset.corpus.doc_ids
        self._analyzer = Analyzer(settings.language or dataset.origin.language)
        self._index = open_index(dataset.corpus, self._analyzer, settings.k1, settings.b)
        by_id = np.argsort(np.array(self._doc_ids, dtype=object), kind="stable")
        self._id_rank = np.empty(len(by_id), dtype=np.int64)
        self._id_rank[by_id] = np.arange(len(by_id))

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return the `depth` best documents of each query, by score then doc_id, both descending.

        A document that shares no term with the query is never returned.
        """
        query_ids: list[str] = []
        doc_ids: list[str] = []
        scores: list[float] = []
        for query in tqdm(queries, desc=f"{self._tag}: retrieving", unit="query", disable=None):
            rows, values = search(self._index, self._analyzer.terms(query.text), depth, self._id_rank)
            query_ids += [query.query_id] * len(rows)
            doc_ids += [self._doc_ids[row] for row in rows]
            scores += values.tolist()
        return Run.from_rows(self._tag, query_ids, doc_ids, scores)


def search(
    index: Bm25Index, terms: Sequence[str], depth: int, id_rank: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows and scores of the best documents for one query.

    Parameters
    ----------
    index
        Term scores in compressed columns.
    terms
        The query's terms; a repeated term counts as often as it stands.
    depth
        Documents wanted.
    id_rank
        ``(d,)`` position of each document in ascending order of doc_id.
    """
    scores = np.zeros(index.documents, dtype=np.float64)
    # Sorted, so that the sum of float scores does not depend on the order of the words.
    for term, times in sorted(Counter(terms).items()):
        column = index.vocabulary.get(term)
        if column is not None:
            start, stop = index.indptr[column], index.indptr[column + 1]
            scores[index.indices[start:stop]] += times * index.data[start:stop].astype(np.float64)
    found = np.flatnonzero(scores > 0)
    if len(found) > depth:
        # Cut at the depth-th score first: every document that ties with it stays in the race.
        cut = np.partition(scores[found], len(found) - depth)[len(found) - depth]
        found = found[scores[found] >= cut]
    order = np.lexsort((-id_rank[found], -scores[found]))[:depth]
    return found[order], scores[found[order]]
