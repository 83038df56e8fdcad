"""Several processes send the calls of one cell as one process would: each once, on time, and as many in flight."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest
from support.raw_server import raw_server
from support.timed import Kept, batches

from evalkit.config import RerankerSettings, reranker_settings
from evalkit.errors import CallError
from evalkit.latency import LatencyCell, Workload, measure, measure_arrivals, measurement
from evalkit.latency.load_messages import WarmUp
from evalkit.latency.split_load import LoadProcessError, SplitLoad
from evalkit.rerankers import open_reranker
from evalkit.reranking import Arrival, Batch, CallContext, OpenLoop, RerankerSession

WARM = CallContext("d", "r", "warmup", 5, 0)
TIMED = CallContext("d", "r", "latency", 5, 0)


@dataclass
class Served:
    """What a server has seen.

    Attributes
    ----------
    settings
        The reranker.
    queries
        How often each query was sent.
    lines
        Number of connections.
    in_flight, most
        Calls in flight now, and their maximum.
    """

    settings: RerankerSettings
    queries: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    in_flight: int = 0
    most: int = 0


@contextmanager
def serving(delay_s: float = 0.0, status: str = "200 OK", together: int = 1) -> Iterator[Served]:
    """Run a server that scores every document with 1; it answers no call before that many are in flight."""
    lock, served = threading.Lock(), []
    first = threading.Barrier(together)

    def script(line: socket.socket) -> None:
        """Answer requests until the client goes."""
        seen = served[0]
        with lock:
            seen.lines += 1
        while data := line.recv(65536):
            while b"\r\n\r\n" not in data:
                data += line.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            while len(body) < length:
                body += line.recv(65536)
            asked = json.loads(body)
            with lock:
                seen.queries[asked["query"]] += 1
                seen.in_flight += 1
                seen.most = max(seen.most, seen.in_flight)
                is_first = sum(seen.queries.values()) <= together
            if is_first:
                first.wait(20)
            time.sleep(delay_s)
            with lock:
                seen.in_flight -= 1
            results = [{"index": i, "relevance_score": 1.0} for i in range(len(asked["documents"]))]
            answer = json.dumps({"results": results}).encode()
            line.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)

    with raw_server(script) as port:
        settings = reranker_settings(
            {"backend": "http", "url": f"http://127.0.0.1:{port}/rerank", "model": "m", "retries": 0}
        )
        served.append(Served(settings))
        yield served[0]


def block(items: tuple[Batch, ...], others: int) -> list[tuple[Batch, CallContext]]:
    """Return timed calls between untimed ones."""
    untimed = [(items[0], WARM)] * others
    return [*untimed, *((item, TIMED) for item in items), *untimed]


def test_a_closed_loop_sends_every_timed_call_once() -> None:
    """With as many calls in flight, over as many connections, as one process would."""
    items = batches(23)
    with serving(0.01, together=5) as served, SplitLoad("r", served.settings, 5, 2) as split:
        outcomes = list(split.send_each(block(items, 4), 0.01))
    timed = [one for one in outcomes if one.call.pass_ == "latency"]
    assert Counter(one.batch.request.query_id for one in timed) == Counter(f"q{i}" for i in range(23))
    due = [one.call.scheduled_s for one in outcomes]
    assert due == sorted(due)
    assert (served.most, served.lines) == (5, 5)
    assert all(one.call.harness_delay_s is not None for one in timed)
    last_s = max(one.call.end_s for one in timed)
    after = [one for one in outcomes if one.call.pass_ == "warmup" and one.call.end_s >= last_s]
    assert len(after) >= 4, "the other calls in flight end after the last timed one"


def test_a_warm_up_sends_each_call_once() -> None:
    """There are no timed calls, and so none around them."""
    with serving() as served, SplitLoad("r", served.settings, 3, 3) as split:
        assert len(list(split.send(batches(7), WARM))) == 7
    assert sum(served.queries.values()) == 7


def test_an_open_loop_keeps_the_schedule() -> None:
    """Each process sends every second arrival; together they are the schedule of one process."""
    due = np.random.default_rng(3).exponential(0.01, 31).cumsum()
    schedule = [Arrival(item, float(at)) for item, at in zip(batches(31), due, strict=True)]
    with serving() as served, SplitLoad("r", served.settings, None, 2) as split:
        warm = list(split.send_at_once(batches(4), WARM))
        outcomes = list(split.send_scheduled(schedule, TIMED))
    assert len(warm) == 4
    assert [one.batch.request.query_id for one in outcomes] == [f"q{i}" for i in range(31)]
    scheduled = np.array([one.call.scheduled_s for one in outcomes])
    assert scheduled - scheduled[0] == pytest.approx(due - due[0], abs=1e-6)
    assert all(one.call.start_s >= one.call.scheduled_s for one in outcomes)


def test_failed_calls_are_outcomes() -> None:
    """As in one process, and the block goes on."""
    with serving(status="500 Broken") as served, SplitLoad("r", served.settings, 2, 2) as split:
        outcomes = list(split.send(batches(6), WARM))
    assert len(outcomes) == 6
    assert all(isinstance(one.failure, CallError) for one in outcomes)


def test_a_process_that_ends_is_a_named_failure() -> None:
    """The block has no result, and no process is left."""
    with serving(0.2) as served, SplitLoad("r", served.settings, 4, 2) as split:
        children = [one._child for one in split._processes]
        threading.Timer(0.5, children[1].kill).start()
        with pytest.raises(LoadProcessError, match="r: process 2 of 2 that send calls failed: it ended"):
            list(split.send(batches(2_000), WARM))
    assert all(child.poll() is not None for child in children)


def test_an_interrupt_ends_all_processes() -> None:
    """In the middle of a block, without waiting for its calls."""
    children = []

    def interrupted(settings: RerankerSettings) -> None:
        """Begin a block, and be interrupted."""
        with SplitLoad("r", settings, 4, 2) as split:
            children.extend(one._child for one in split._processes)
            split._processes[0].send(WarmUp(batches(1_000), WARM))
            raise KeyboardInterrupt

    with serving(0.2) as served, pytest.raises(KeyboardInterrupt):
        interrupted(served.settings)
    assert [child.poll() is not None for child in children] == [True, True]


def test_keys_are_in_no_argument_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every user of the machine can list arguments; the environment of a process is its owner's."""
    monkeypatch.setenv("SPLIT_LOAD_KEY", "sk-very-secret-0123456789")
    with serving() as served:
        settings = served.settings.model_copy(update={"api_key_env": "SPLIT_LOAD_KEY"})
        with SplitLoad("r", settings, 2, 2) as split:
            assert len(list(split.send(batches(2), WARM))) == 2
            arguments = [part for one in split._processes for part in one._child.args]  # type: ignore[union-attr]
    assert arguments[0] == sys.executable
    assert "secret" not in " ".join(map(str, arguments))


def test_a_process_that_does_not_start_is_a_named_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the exit code that it had."""
    with serving() as served:
        monkeypatch.setattr(sys, "executable", "/bin/false")
        with pytest.raises(LoadProcessError, match="of 2 that send calls failed: it ended with exit code 1"):
            SplitLoad("r", served.settings, 2, 2)


def cell(concurrency: int | None, rate: float | None = None) -> LatencyCell:
    """Return a cell of six rounds of two calls."""
    items = batches(20)
    rounds = tuple(items[8 + 2 * i : 10 + 2 * i] for i in range(6))
    return LatencyCell("r", Workload(1, concurrency, None, rate), concurrency or 5, items[:8], rounds)


@pytest.mark.parametrize("needed", [1, 9])
@pytest.mark.parametrize("loop", ["closed", "open"])
def test_processes_send_the_calls_that_one_interpreter_cannot(
    monkeypatch: pytest.MonkeyPatch, needed: int, loop: str
) -> None:
    """As many as the warm-up shows to be needed and as there are processors; the timed calls are the same."""
    made = []

    class Counted(SplitLoad):
        """Notes how many processes are used."""

        def __init__(self, tag: str, settings: RerankerSettings, concurrency: int | None, count: int) -> None:
            made.append((concurrency, count))
            super().__init__(tag, settings, concurrency, count)

    monkeypatch.setattr(measurement, "SplitLoad", Counted)
    monkeypatch.setattr(measurement, "most_processes", lambda: 3)
    monkeypatch.setattr(measurement, "interpreters_needed", lambda _: needed)
    kept = Kept()
    with serving() as served:
        reranker = open_reranker(served.settings)
        session = RerankerSession("r", reranker)
        if loop == "closed":
            measure([cell(2)], [session], "d", 1, kept, splittable={"r": served.settings})
        else:
            with OpenLoop(session) as open_loop:
                measure_arrivals(cell(None, 200.0), open_loop, "d", 1, kept, served.settings)
        reranker.close()
    most = 2 if loop == "closed" else 3
    assert made == ([] if needed == 1 else [(2 if loop == "closed" else None, min(needed, most))])
    timed = [one.batch.request.query_id for one in kept.outcomes if one.call.pass_ == "latency"]
    assert Counter(timed) == Counter(f"q{i}" for i in range(8, 20))


def test_calls_are_not_split_without_settings_of_the_reranker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then its limits are counted in one place."""
    monkeypatch.setattr(measurement, "interpreters_needed", lambda _: 9)
    monkeypatch.setattr(measurement, "SplitLoad", None)
    kept = Kept()
    with serving() as served:
        reranker = open_reranker(served.settings)
        measure([cell(2)], [RerankerSession("r", reranker)], "d", 1, kept)
        reranker.close()
    assert sum(one.call.pass_ == "latency" for one in kept.outcomes) == 12
