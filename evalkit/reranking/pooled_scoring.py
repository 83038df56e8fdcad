"""Score batches of many queries together, in a pool of workers: much faster for local models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from evalkit.distributed import CompletedTask, WorkerPool, each_with_split_retry
from evalkit.errors import CallError
from evalkit.records import RerankResponse
from evalkit.rerankers import Pooled, Reranker, readable
from evalkit.reranking.batching import Batch
from evalkit.reranking.outcomes import Attempt, CallContext, Outcome, TimedCall, attempt_of, exits_as_failures
from evalkit.reranking.session import RerankerSession

PAIRS = 1024
"""Pairs per group for rerankers without `pool_pairs`: seconds of work, against milliseconds for sending it."""

BatchGroup = Sequence[Batch]


def groups(items: Iterable[Batch], pairs: int) -> Iterator[BatchGroup]:
    """Yield batches in groups of at least `pairs` documents; the last group may have fewer."""
    group: list[Batch] = []
    documents = 0
    for item in items:
        group.append(item)
        documents += len(item.request.documents)
        if documents >= pairs:
            yield group
            group, documents = [], 0
    if group:
        yield group


def score_group(reranker: Reranker, group: BatchGroup) -> list[RerankResponse]:
    """Return the responses of a group, scored together if the reranker supports it, else one by one.

    Raises
    ------
    CallError
        If any batch cannot be scored.
    """
    requests = [readable(reranker, item.request) for item in group]
    with exits_as_failures():
        if isinstance(reranker, Pooled):
            return reranker.score_many(requests)
        return [reranker.score(request) for request in requests]


def send_pooled(
    session: RerankerSession, items: Iterable[Batch], context: CallContext, pool: WorkerPool[Reranker]
) -> Iterator[Outcome]:
    """Yield the outcome of every batch, group by group.

    If a group cannot be scored, its batches are scored one by one, so that one bad query fails no other.

    Parameters
    ----------
    session
        The reranker's session.
    items
        The batches to score.
    context
        The fields that all calls share.
    pool
        The workers that score. Each holds a reranker with the same settings as the session's.
    """
    size = session.reranker.pool_pairs if isinstance(session.reranker, Pooled) else PAIRS
    for work in each_with_split_retry(
        pool, score_group, groups(items, size), lambda group: [[item] for item in group]
    ):
        yield from _outcomes(session, work, context)


def _outcomes(
    session: RerankerSession, work: CompletedTask[BatchGroup, list[RerankResponse]], context: CallContext
) -> Iterator[Outcome]:
    """Yield the outcomes of a group's batches; each has the start and end time of the whole group."""
    for place, item in enumerate(work.task):
        made = TimedCall(item, context, work.start_s, work.end_s, pooled_calls=len(work.task))
        attempt = _attempt(made, work.result, place)
        session.record(attempt.failure)
        session.notes.unusable_amounts(attempt.response)
        yield Outcome(item, (attempt,))


def _attempt(made: TimedCall, result: list[RerankResponse] | CallError, place: int) -> Attempt:
    return (
        attempt_of(made, None, result) if isinstance(result, CallError) else attempt_of(made, result[place])
    )
