"""Candidates of a dataset: a run cut at a depth, without documents that are the query itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from evalkit import registry
from evalkit.config import RetrieverSettings
from evalkit.distributed import RayCluster
from evalkit.records import Dataset, Query, Run


class Retriever(Protocol):
    """Finds candidates for queries in one dataset's corpus."""

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return at most `depth` documents per query; a query that finds nothing has no rows."""
        ...


def open_retriever(settings: RetrieverSettings, dataset: Dataset) -> Retriever:
    """Build the first stage that settings describe, over a dataset's corpus."""
    retriever = registry.lookup("retriever kind", settings.kind)
    return retriever(settings, dataset)  # type: ignore[no-any-return]


@contextmanager
def opened_retriever(
    settings: RetrieverSettings, dataset: Dataset, cluster: RayCluster | None
) -> Iterator[Retriever]:
    """Build the first stage for as long as it is asked, spread over a cluster where there is one and it can be."""
    kind = registry.lookup("retriever kind", settings.kind)
    if cluster is None or not hasattr(kind, "spread"):
        yield open_retriever(settings, dataset)
        return
    with kind.spread(settings, dataset, cluster) as retriever:
        yield retriever


def retrieve_candidates(retriever: Retriever, dataset: Dataset, depth: int) -> Run:
    """Return the candidates of every query of a dataset.

    Where the dataset excludes a document whose id is the query's own (ArguAna, Quora), one more
    is fetched and the exclusion comes before the cut, so that lists keep their length.
    """
    if not dataset.origin.exclude_same_id:
        return retriever.retrieve(dataset.queries, depth)
    found = retriever.retrieve(dataset.queries, depth + 1)
    keep = np.ones(len(found), dtype=np.bool_)
    for start, (query_id, docs, _) in zip(found.offsets.tolist(), found, strict=False):
        if query_id in docs:
            keep[start + docs.index(query_id)] = False
    return (found if keep.all() else found.where(keep)).cut(depth)
