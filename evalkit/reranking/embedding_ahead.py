"""Embed every distinct text once, before the quality pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from evalkit.distributed import LocalPool, WorkerPool, each_with_split_retry
from evalkit.errors import CallError
from evalkit.progress import progress_bar
from evalkit.rerankers import Embedded, Portion, Preparable, Reranker, readable
from evalkit.reranking.batching import Batch
from evalkit.reranking.outcomes import exits_as_failures


@contextmanager
def embedded_ahead(
    reranker: Reranker, batches: Sequence[Batch], pool: WorkerPool[Reranker]
) -> Iterator[WorkerPool[Reranker]]:
    """Embed all texts in a worker pool, and return the pool to score with; empty the cache on exit.

    After the texts are embedded, scoring is cheap arithmetic, so the returned pool scores in this process. A text
    that cannot be embedded fails again when it is scored, with all queries that need it. The cache is emptied so
    that later latency measurements include the embedding. Rerankers that do not embed get `pool` itself.
    """
    if not isinstance(reranker, Preparable):
        yield pool
        return
    portions = list(reranker.portions(readable(reranker, item.request) for item in batches))
    texts = sum(len(portion.texts) for portion in portions)
    try:
        with progress_bar(total=texts, desc="embedding", unit="text") as progress:
            for work in each_with_split_retry(pool, embed, portions, _single_texts):
                if not isinstance(work.result, CallError):
                    reranker.keep(work.task, work.result)
                progress.update(len(work.task.texts))
        yield LocalPool(reranker)
    finally:
        reranker.forget()


def embed(reranker: Reranker, portion: Portion) -> list[Embedded]:
    """Return the embedded texts of a portion.

    Raises
    ------
    CallError
        If they cannot be embedded together.
    TypeError
        If the reranker does not embed.
    """
    if not isinstance(reranker, Preparable):
        raise TypeError(f"{type(reranker).__name__} does not embed")
    with exits_as_failures():
        return reranker.embed(portion)


def _single_texts(portion: Portion) -> list[Portion]:
    return [Portion(portion.role, (text,)) for text in portion.texts]
