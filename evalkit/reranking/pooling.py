"""Batches of many queries scored as one: where a local model gains most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evalkit.errors import CallError
from evalkit.rerankers import Pooled
from evalkit.reranking.arms import Arm
from evalkit.reranking.batching import Batch
from evalkit.reranking.delivering import Courier
from evalkit.reranking.outcomes import CallContext, Outcome, make_calls


def pools(items: Iterable[Batch], pairs: int) -> Iterator[list[Batch]]:
    """Yield batches in groups of at least `pairs` documents; the last group may have fewer."""
    pool: list[Batch] = []
    gathered = 0
    for item in items:
        pool.append(item)
        gathered += len(item.request.documents)
        if gathered >= pairs:
            yield pool
            pool, gathered = [], 0
    if pool:
        yield pool


def send_pooled(arm: Arm, items: Iterable[Batch], context: CallContext) -> Iterator[Outcome]:
    """Yield the outcome of every batch, pool by pool.

    Where a pool cannot be scored, its batches are, one by one: what is wrong with one query costs no other.

    Raises
    ------
    TypeError
        If the arm's reranker does not pool.
    """
    reranker = arm.reranker
    if not isinstance(reranker, Pooled):
        raise TypeError(f"{arm.tag} does not pool")
    for pool in pools(items, reranker.pool_pairs):
        try:
            attempts = make_calls(reranker, pool, context)
        except CallError:
            courier = Courier(arm)
            for item in pool:
                yield from courier.deliver(item, context)
            continue
        for item, attempt in zip(pool, attempts, strict=True):
            arm.note(attempt.failure)
            yield Outcome(item, (attempt,))
