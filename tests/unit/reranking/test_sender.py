"""Calls in flight: how many, and what becomes of them after a stop."""

from __future__ import annotations

import threading

from support.scripted import CONTEXT, Scoring, Scripted, item

from evalkit.records import Dataset, RerankRequest, Run, Usage
from evalkit.reranking import RerankerSession, Sender, batch
from evalkit.reranking.batching import Caps


def test_as_many_calls_are_in_flight_as_asked(tiny: Dataset, candidates: Run) -> None:
    """With concurrency 3, three calls are under way at once: each waits for the two others."""
    meeting = threading.Barrier(3, timeout=20)

    def answer(request: RerankRequest) -> list[float]:
        meeting.wait()
        return [1.0] * len(request.documents)

    three = candidates.cut(3)
    with Sender(RerankerSession("r", Scoring(answer)), 3) as sender:
        items = list(batch(three, tiny, Caps(1), pointwise=True))[:3]
        assert len(list(sender.send(items, CONTEXT))) == 3


def test_stopping_returns_what_came_back_and_leaves_the_rest() -> None:
    """After a stop the calls in flight that come back are returned; one that hangs holds nothing up."""
    release = threading.Event()
    hanging = threading.Event()

    def answer(request: RerankRequest) -> Usage:
        if request.query_id == "1":
            hanging.set()
            release.wait(60)
        return Usage()

    try:
        sender = Sender(RerankerSession("r", Scripted(answer)), 2)
        sender.__enter__()
        sent = sender.send((item(2, str(n)) for n in range(50)), CONTEXT)
        got = [next(sent).batch.request.query_id for _ in range(5)]
        assert hanging.wait(10), "the second call never began"
        got += [outcome.batch.request.query_id for outcome in sender.late()]
        sender.__exit__(KeyboardInterrupt, None, None)
        assert "1" not in got
        assert not release.is_set(), "it was over while the call still hung"
        assert len(got) == len(set(got)) >= 5
    finally:
        release.set()
