"""What the measuring client costs beside a bare httpx loop and raw sockets, in one run: ``make bench``.

Each way sends the same request (100 documents of 1 kB) and reads the same reply, one connection a
thread, to a server in another process. Rounds are interleaved; figures are medians over them. Every way begins its
calls spread over the latency of one, as the latency pass does: sent at once, they queue for the interpreter.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker
from evalkit.reranking import Batch, CallContext, RerankerSession, Sender

DOCUMENTS = tuple(f"{i:04d} " + "lorem ipsum dolor sit amet " * 37 for i in range(100))
REQUEST = RerankRequest("q", "which document is it", DOCUMENTS, tuple(map(str, range(100))))
CONCURRENCY = (1, 8, 32, 256)
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


def through_evalkit(port: int, calls: int, concurrency: int, spread_s: float = 0.0) -> Measured:
    """Send as the latency pass does: validated, timed, recorded."""
    reranker = load_reranker("http", url=f"http://127.0.0.1:{port}/v1/rerank", model="m")
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


@contextmanager
def server(delay_s: float, *stall: float, documents: int = 100) -> Iterator[int]:
    """Run the server in another process, on the other core where there is one; yield its port."""
    script = str(Path(__file__).with_name("instant_server.py"))
    program = [sys.executable, script, str(delay_s), str(documents), *map(str, stall)]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
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


def measure(delay_s: float, calls: Callable[[int], int], concurrencies: Sequence[int] = CONCURRENCY) -> None:
    """Print one table."""
    functions = dict(zip(WAYS, (raw_sockets, bare_httpx, through_evalkit), strict=True))
    say(f"\nthe server answers after {delay_s * 1000:g} ms; {ROUNDS} interleaved rounds, medians over them")
    say("in flight  way            calls/s   p50 ms   p99 ms  of raw  of httpx  ms at p50  p99 by raw")
    with server(delay_s) as port:
        for concurrency in concurrencies:
            rates: dict[str, list[float]] = {way: [] for way in WAYS}
            p50s: dict[str, list[float]] = {way: [] for way in WAYS}
            p99s: dict[str, list[float]] = {way: [] for way in WAYS}
            for _ in range(ROUNDS):
                for way, function in functions.items():
                    whole, taken = function(port, calls(concurrency), concurrency, delay_s)
                    rates[way].append(len(taken) / whole)
                    p50s[way].append(statistics.median(taken) * 1000)
                    p99s[way].append(statistics.quantiles(taken, n=100)[98] * 1000)
            for way in WAYS:
                rate = statistics.median(rates[way])
                ratios = [
                    statistics.median(a / b for a, b in zip(rates[way], rates[other], strict=True))
                    for other in WAYS[:2]
                ]
                p50, p99 = statistics.median(p50s[way]), statistics.median(p99s[way])
                added = p50 - statistics.median(p50s["raw sockets"])
                tail = statistics.median(a / b for a, b in zip(p99s[way], p99s["raw sockets"], strict=True))
                say(
                    f"{concurrency:9}  {way:12}  {rate:8.0f}  {p50:7.2f}  {p99:7.2f}"
                    f"  {ratios[0]:6.2f}  {ratios[1]:8.2f}  {added:+9.2f}  {tail:10.3f}"
                )


if __name__ == "__main__":
    # With numbers as arguments, only these calls in flight.
    chosen = tuple(map(int, sys.argv[1:])) or CONCURRENCY
    measure(0.0, lambda concurrency: max(640, 3 * concurrency), chosen)
    measure(0.1, lambda concurrency: max(15, min(480, 15 * concurrency), 5 * concurrency), chosen)
