"""What the measuring client costs beside a bare httpx loop and raw sockets, in one run: ``make bench``.

Each way sends the same request (100 documents of 1 kB) and reads the same reply, one connection a
thread, to a server in another process. Rounds are interleaved; figures are medians over them. Every way begins its
calls spread over the latency of one, as the latency pass does: sent at once, they queue for the interpreter.

Two more tables compare one process with as many as there are processors: as many calls as possible to a server that
answers at once, and 256 calls in flight to one of 100 ms. The server runs on the same processors.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson

from evalkit.config import RerankerSettings, reranker_settings
from evalkit.latency import harness_fault
from evalkit.latency.split_load import SplitLoad, most_processes
from evalkit.records import Call, RerankRequest
from evalkit.rerankers import open_reranker
from evalkit.reranking import Batch, CallContext, RerankerSession, Sender

DOCUMENTS = tuple(f"{i:04d} " + "lorem ipsum dolor sit amet " * 37 for i in range(100))
REQUEST = RerankRequest("q", "which document is it", DOCUMENTS, tuple(map(str, range(100))))
AT_ONCE, DELAYED = (1, 8, 32), (32,)
"""Calls in flight to a server that answers at once, and to one of 100 ms."""
SPLIT = ((0.0, 8, 1200), (0.1, 256, 768))
"""Delay of the server, calls in flight and calls of the tables of several processes."""
ROUNDS = 5
WAYS = ("raw sockets", "bare httpx", "evalkit")


def body() -> bytes:
    """Return the request's body, encoded anew as a client does."""
    return orjson.dumps({"model": "m", "query": REQUEST.query, "documents": list(REQUEST.documents)})


Measured = tuple[float, list[float]]
"""Seconds of all calls together, and of each."""


def in_threads(
    calls: int, concurrency: int, opened: Callable[[], Callable[[], Any]], spread_s: float = 0.0
) -> Measured:
    """Make calls from threads that each open one connection first, and begin one after the other."""
    taken: list[float] = []
    left = iter(range(calls))
    lock = threading.Lock()
    ready = threading.Barrier(concurrency + 1)

    def work(place: int) -> None:
        """Call until none is left."""
        call = opened()
        call()
        ready.wait()
        time.sleep(spread_s * place / concurrency)
        while True:
            with lock:
                if next(left, None) is None:
                    return
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(concurrency)]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start, taken


def raw_sockets(port: int, calls: int, concurrency: int, spread_s: float = 0.0) -> Measured:
    """Send with plain sockets."""

    def opened() -> Callable[[], Any]:
        """Connect."""
        line = socket.create_connection(("127.0.0.1", port))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def call() -> Any:
            """Send one request and read its reply."""
            content = body()
            head = f"POST /v1/rerank HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
            line.sendall(head.encode() + content)
            data = b""
            while b"\r\n\r\n" not in data:
                data += line.recv(65536)
            told, _, rest = data.partition(b"\r\n\r\n")
            need = int(told.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            while len(rest) < need:
                rest += line.recv(65536)
            return orjson.loads(rest)["results"]

        return call

    return in_threads(calls, concurrency, opened, spread_s)


def bare_httpx(port: int, calls: int, concurrency: int, spread_s: float = 0.0) -> Measured:
    """Send with one httpx.Client a thread and nothing else."""

    def opened() -> Callable[[], Any]:
        """Make a client."""
        client = httpx.Client(headers={"Content-Type": "application/json"})
        url = f"http://127.0.0.1:{port}/v1/rerank"
        return lambda: orjson.loads(client.post(url, content=body()).content)["results"]

    return in_threads(calls, concurrency, opened, spread_s)


def settings(port: int) -> RerankerSettings:
    """Return the settings of the client."""
    return reranker_settings({"backend": "http", "url": f"http://127.0.0.1:{port}/v1/rerank", "model": "m"})


def through_evalkit(port: int, calls: int, concurrency: int, spread_s: float = 0.0) -> Measured:
    """Send as the latency pass does: validated, timed, recorded."""
    reranker = open_reranker(settings(port))
    context = CallContext("bench", "api", "latency", concurrency)
    item = Batch(REQUEST)
    with Sender(RerankerSession("api", reranker), concurrency, timed=True) as sender:
        for _ in sender.send([item] * concurrency * 2, context):
            pass
        start = time.perf_counter()
        outcomes = list(sender.send_each([(item, context)] * calls, spread_s))
        whole = time.perf_counter() - start
    reranker.close()
    assert all(outcome.response is not None for outcome in outcomes)
    return whole, [outcome.call.latency_s for outcome in outcomes]


def judgment(calls: Sequence[Call]) -> str | None:
    """Return why the figures of calls under one load are those of the load generator; None if they are not."""
    delay_s, cpu, latency_s = (
        np.array([getattr(call, name) for call in calls], dtype=np.float64)
        for name in ("harness_delay_s", "harness_cpu", "latency_s")
    )
    slot_s = np.array([call.end_s - call.start_s for call in calls])
    rounds = np.array([call.round or 0 for call in calls])
    return harness_fault(delay_s, cpu, latency_s, slot_s, rounds, calls[0].concurrency)


@contextmanager
def server(delay_s: float, *stall: float, documents: int = 100, apart: bool = True) -> Iterator[int]:
    """Run the server in another process, on the other core where there is one and `apart`; yield its port."""
    script = str(Path(__file__).with_name("instant_server.py"))
    program = [sys.executable, script, str(delay_s), str(documents), *map(str, stall)]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    cores = sorted(os.sched_getaffinity(0))
    if apart and len(cores) > 1:
        os.sched_setaffinity(process.pid, {cores[1]})
        os.sched_setaffinity(0, {cores[0]})
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        os.sched_setaffinity(0, cores)
        process.kill()
        process.wait()


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


Way = Callable[[], Measured]


def print_rounds(ways: dict[str, Way], label: str) -> None:
    """Run all ways in interleaved rounds, and print the medians of each and of its ratios to the first."""
    rounds: list[dict[str, tuple[float, float, float]]] = []
    for _ in range(ROUNDS):
        found = {}
        for way, function in ways.items():
            whole, taken = function()
            found[way] = (len(taken) / whole, *np.quantile(taken, (0.5, 0.99)) * 1000)
        rounds.append(found)
    first = next(iter(ways))
    for way in ways:
        rate, p50, p99 = np.median([one[way] for one in rounds], axis=0)
        ratios = np.median([np.divide(one[way], one[first]) for one in rounds], axis=0)
        say(
            f"{label:>9}  {way:24}  {rate:8.0f}  {p50:7.2f}  {p99:7.2f}"
            f"  {ratios[0]:6.3f}  {ratios[1]:6.3f}  {ratios[2]:6.3f}"
        )


def print_heading(delay_s: float, where: str) -> None:
    """Print what the next table shows."""
    say(
        f"\nthe server answers after {delay_s * 1000:g} ms, {where}; {ROUNDS} interleaved rounds, medians over them"
    )
    say("in flight  way                        calls/s   p50 ms   p99 ms  by raw sockets: rate, p50, p99")


def measure(delay_s: float, calls: Callable[[int], int], concurrencies: Sequence[int]) -> None:
    """Print the table of one process."""
    functions = dict(zip(WAYS, (raw_sockets, bare_httpx, through_evalkit), strict=True))
    print_heading(delay_s, "on the other processor")
    with server(delay_s) as port:
        for concurrency in concurrencies:
            ways: dict[str, Way] = {
                way: partial(function, port, calls(concurrency), concurrency, delay_s)
                for way, function in functions.items()
            }
            print_rounds(ways, str(concurrency))


def measure_split(delay_s: float, concurrency: int, calls: int) -> None:
    """Print the table of several processes; the latencies of each way are those of the whole."""
    count = most_processes()
    share, each = concurrency // count, calls // count
    print_heading(delay_s, "on the same processors")
    last: list[Call] = []
    with (
        server(delay_s, apart=False) as port,
        ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool,
        SplitLoad("api", settings(port), concurrency, count) as split,
    ):

        def raw_in_processes() -> Measured:
            """Send with plain sockets from several processes."""
            parts = [pool.submit(raw_sockets, port, each, share, delay_s) for _ in range(count)]
            made = [part.result() for part in parts]
            return max(whole for whole, _ in made), [one for _, taken in made for one in taken]

        def evalkit_in_processes() -> Measured:
            """Send as the latency pass does where one interpreter is not enough."""
            item, others = Batch(REQUEST), CallContext("bench", "api", "warmup", concurrency)
            timed = CallContext("bench", "api", "latency", concurrency)
            tasks = [*[(item, others)] * (concurrency - 1), *[(item, timed)] * calls]
            outcomes = split.send_each([*tasks, *[(item, others)] * (concurrency - 1)], delay_s)
            last[:] = [one.call for one in outcomes if one.call.pass_ == "latency"]
            whole = max(call.end_s for call in last) - min(call.start_s for call in last)
            return whole, [call.latency_s for call in last]

        list(
            split.send([Batch(REQUEST)] * 2 * concurrency, CallContext("bench", "api", "warmup", concurrency))
        )
        ways: dict[str, Way] = {
            f"raw sockets, {count} processes": raw_in_processes,
            f"evalkit, {count} processes": evalkit_in_processes,
            "raw sockets, 1 process": partial(raw_sockets, port, calls, concurrency, delay_s),
            "evalkit, 1 process": partial(through_evalkit, port, calls, concurrency, delay_s),
        }
        print_rounds(ways, str(concurrency))
    fault = judgment(last)
    say(
        f"evalkit's judgment of its last round with {count} processes: {fault or 'the figures are those of the server'}"
    )


if __name__ == "__main__":
    # With numbers as arguments, only these calls in flight.
    chosen = tuple(map(int, sys.argv[1:]))
    measure(0.0, lambda _: 240, chosen or AT_ONCE)
    measure(0.1, lambda concurrency: 6 * concurrency, chosen or DELAYED)
    for one in SPLIT if not chosen else ():
        measure_split(*one)
