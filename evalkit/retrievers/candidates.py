"""Open a first stage, and retrieve the candidates of a dataset's queries."""

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
    """A first stage: finds candidates for queries in the corpus of one dataset."""

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return at most `depth` documents per query; a query without results has no rows."""
        ...


def open_retriever(settings: RetrieverSettings, dataset: Dataset) -> Retriever:
    """Return the first stage that the settings describe, for a dataset's corpus."""
    retriever_class = registry.lookup("retriever kind", settings.kind)
    return retriever_class(settings, dataset)  # type: ignore[no-any-return]


@contextmanager
def retriever_context(
    settings: RetrieverSettings, dataset: Dataset, cluster: RayCluster | None
) -> Iterator[Retriever]:
    """Yield the first stage that the settings describe, on the cluster if there is one and the class supports it."""
    retriever_class = registry.lookup("retriever kind", settings.kind)
    if cluster is None or not hasattr(retriever_class, "spread"):
        yield open_retriever(settings, dataset)
        return
    with retriever_class.spread(settings, dataset, cluster) as retriever:
        yield retriever


def retrieve_candidates(retriever: Retriever, dataset: Dataset, depth: int) -> Run:
    """Return the candidates of every query of a dataset.

    Documents that must not be candidates of a query are left out before the cut at `depth`, so that lists keep their
    length: those that the source excludes (BRIGHT), and those with the id of the query (ArguAna, Quora).
    """
    more = max(map(len, dataset.excluded.values()), default=0) + dataset.origin.exclude_same_id
    if not more:
        return retriever.retrieve(dataset.queries, depth)
    run = retriever.retrieve(dataset.queries, depth + more)
    return without_same_ids(run, dataset).without(dataset.excluded).cut(depth)


def without_same_ids(run: Run, dataset: Dataset) -> Run:
    """Return a run without the documents that have the id of their query, if the dataset excludes them."""
    if not dataset.origin.exclude_same_id:
        return run
    keep = np.ones(len(run), dtype=np.bool_)
    for start, (query_id, docs, _) in zip(run.offsets.tolist(), run, strict=False):
        if query_id in docs:
            keep[start + docs.index(query_id)] = False
    return run if keep.all() else run.where(keep)
