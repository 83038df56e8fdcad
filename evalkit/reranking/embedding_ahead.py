"""Every text embedded once, ahead of the quality pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tqdm import tqdm

from evalkit.distributed import LocalPool, WorkerPool, each_with_split_retry
from evalkit.errors import CallError
from evalkit.rerankers import Embedded, Portion, Preparable, Reranker
from evalkit.reranking.batching import Batch


@contextmanager
def embedded_ahead(
    reranker: Reranker, batches: Sequence[Batch], pool: WorkerPool[Reranker]
) -> Iterator[WorkerPool[Reranker]]:
    """Have a crew embed every text once, and give who scores then; forget it afterwards: timing is honest.

    With all texts embedded, scores are arithmetic: a reranker that embeds scores by itself. A text that
    cannot be embedded fails again where it is scored, and the queries that need it with it.
    """
    if not isinstance(reranker, Preparable):
        yield pool
        return
    portions = list(reranker.portions(item.request for item in batches))
    texts = sum(len(portion.texts) for portion in portions)
    try:
        with tqdm(total=texts, desc="embedding", unit="text", disable=None) as progress:
            for work in each_with_split_retry(pool, embed, portions, _single_texts):
                if not isinstance(work.result, CallError):
                    reranker.keep(work.task, work.result)
                progress.update(len(work.task.texts))
        yield LocalPool(reranker)
    finally:
        reranker.forget()


def embed(reranker: Reranker, portion: Portion) -> list[Embedded]:
    """Embed the texts of a portion.

    Raises
    ------
    CallError
        If they cannot be embedded together.
    """
    if not isinstance(reranker, Preparable):
        raise TypeError(f"{type(reranker).__name__} does not embed")
    return reranker.embed(portion)


def _single_texts(portion: Portion) -> list[Portion]:
    return [Portion(portion.role, (text,)) for text in portion.texts]
