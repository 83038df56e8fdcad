"""Batches of many queries scored as one, by one hand or many: where a local model gains most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from evalkit.distributed import CompletedTask, WorkerPool, each_with_split_retry
from evalkit.errors import CallError
from evalkit.records import RerankResponse
from evalkit.rerankers import Pooled, Reranker
from evalkit.reranking.batching import Batch
from evalkit.reranking.outcomes import Attempt, CallContext, Outcome, TimedCall, attempt_of
from evalkit.reranking.session import RerankerSession

PAIRS = 1024
"""Pairs of a pool where a reranker names none: seconds of work, against milliseconds of sending it."""

BatchGroup = Sequence[Batch]


def groups(items: Iterable[Batch], pairs: int) -> Iterator[BatchGroup]:
    """Yield batches in groups of at least `pairs` documents; the last group may have fewer."""
    group: list[Batch] = []
    gathered = 0
    for item in items:
        group.append(item)
        gathered += len(item.request.documents)
        if gathered >= pairs:
            yield group
            group, gathered = [], 0
    if group:
        yield group


def score_group(reranker: Reranker, group: BatchGroup) -> list[RerankResponse]:
    """Score some batches together where the reranker knows how, else one after the other.

    Raises
    ------
    CallError
        If any of them cannot be scored.
    """
    requests = [item.request for item in group]
    if isinstance(reranker, Pooled):
        return reranker.score_many(requests)
    return [reranker.score(request) for request in requests]


def send_pooled(
    session: RerankerSession, items: Iterable[Batch], context: CallContext, pool: WorkerPool[Reranker]
) -> Iterator[Outcome]:
    """Yield the outcome of every batch, pool by pool.

    Where a pool cannot be scored, its batches are, one by one: what is wrong with one query costs no other.

    Parameters
    ----------
    session
        Whose batches they are.
    items
        What is to be scored.
    context
        What the calls have in common.
    pool
        Who scores: its hands are alike to the arm's own reranker.
    """
    size = session.reranker.pool_pairs if isinstance(session.reranker, Pooled) else PAIRS
    for work in each_with_split_retry(
        pool, score_group, groups(items, size), lambda group: [[item] for item in group]
    ):
        yield from _outcomes(session, work, context)


def _outcomes(
    session: RerankerSession, work: CompletedTask[BatchGroup, list[RerankResponse]], context: CallContext
) -> Iterator[Outcome]:
    """Yield what became of the batches of a pool; all have the times of the whole."""
    for place, item in enumerate(work.task):
        made = TimedCall(item, context, work.start_s, work.end_s, together=len(work.task))
        attempt = _attempt(made, work.result, place)
        session.note(attempt.failure)
        yield Outcome(item, (attempt,))


def _attempt(made: TimedCall, result: list[RerankResponse] | CallError, place: int) -> Attempt:
    return (
        attempt_of(made, None, result) if isinstance(result, CallError) else attempt_of(made, result[place])
    )
