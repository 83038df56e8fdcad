"""Calls at scheduled times: what ends a thread is told, and nothing waits for ever."""

from __future__ import annotations

import math
import threading

import pytest
from support.scripted import CONTEXT, Scripted, item

from evalkit.records import RerankRequest, Usage
from evalkit.reranking import RerankerSession
from evalkit.reranking.open_loop import Arrival, OpenLoop, calls_ahead


def test_a_thread_that_cannot_start_ends_the_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under a limit of threads: the reading thread gets the error instead of waiting for the lost call."""
    start, started = threading.Thread.start, []

    def limited(thread: threading.Thread) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    release = threading.Event()

    def answer(_: RerankRequest) -> Usage:
        release.wait(20)
        return Usage()

    monkeypatch.setattr(threading.Thread, "start", limited)
    schedule = [Arrival(item(1, str(number)), 0.0) for number in range(5)]
    with OpenLoop(RerankerSession("r", Scripted(answer))) as loop:
        with pytest.raises(RuntimeError, match="can't start"):
            list(loop.send_scheduled(schedule, CONTEXT))
        release.set()


def test_a_panic_fails_its_call_alone() -> None:
    """What is no exception becomes a failure of the kind backend, in the thread of the call."""

    def answer(request: RerankRequest) -> Usage:
        if request.query_id == "1":
            raise SystemExit(1)
        return Usage()

    with OpenLoop(RerankerSession("r", Scripted(answer))) as loop:
        schedule = [Arrival(item(1, str(number)), 0.0) for number in range(4)]
        outcomes = list(loop.send_scheduled(schedule, CONTEXT))
    failures = {one.batch.request.query_id: one.failure for one in outcomes if one.failure}
    assert {query: failure.kind for query, failure in failures.items()} == {"1": "backend"}


def test_few_calls_have_threads_and_the_thread_used_last_is_used_first() -> None:
    """A connection for each thread: with as many threads as calls, every call would open one."""
    used: list[str] = []

    def answer(_: RerankRequest) -> Usage:
        used.append(threading.current_thread().name)
        return Usage()

    schedule = [Arrival(item(1, str(number)), 0.03 * number) for number in range(20)]
    with OpenLoop(RerankerSession("r", Scripted(answer))) as loop:
        made = list(loop.send_scheduled(schedule, CONTEXT))
    assert len(made) == len(used) == 20
    assert len(set(used)) <= 4


@pytest.mark.parametrize(("rate", "ahead"), [(0.0, 1), (1.0, 1), (100.0, 2), (1000.0, 8), (math.inf, 8)])
def test_calls_of_the_next_twenty_milliseconds_wait_in_threads(rate: float, ahead: int) -> None:
    """At least one, at most eight."""
    assert calls_ahead(rate) == ahead
