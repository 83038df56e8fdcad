"""Ten times what the service can bear, and what becomes of it: ``python tests/bench/service_overload.py [SECONDS]``.

A cross-encoder of MiniLM-L6's shape. Requests come at a fixed rate whatever becomes of the others, each in a
thread of its own. Printed: what was answered, how much memory the service held before, meanwhile and after, and
response times before and after.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import local_models
import service_load

TIMES = 10
BEFORE_AND_AFTER = 40
"""Requests sent one after the other."""


def memory_mb(pid: int) -> float:
    """Return what a process holds now."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def one_after_the_other(url: str, bodies: service_load.Bodies) -> float:
    """Return the median response time of some requests, in seconds."""
    taken = []
    with httpx.Client(timeout=60) as client:
        for body in bodies[:BEFORE_AND_AFTER]:
            start = time.perf_counter()
            client.post(url, json=body).raise_for_status()
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def overload(url: str, bodies: service_load.Bodies, rate: float, seconds: float) -> Counter[str]:
    """Send requests at a rate, each in a thread of its own, and return what came back."""
    told: Counter[str] = Counter()

    client = httpx.Client(timeout=120, limits=httpx.Limits(max_connections=None))

    def ask(body: dict[str, object]) -> None:
        """Send one request."""
        try:
            told[str(client.post(url, json=body).status_code)] += 1
        except httpx.TransportError as error:
            told[type(error).__name__] += 1

    start, threads = time.monotonic(), []
    for number in range(int(rate * seconds)):
        time.sleep(max(start + number / rate - time.monotonic(), 0))
        threads.append(threading.Thread(target=ask, args=(bodies[number % len(bodies)],)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    client.close()
    return told


def main() -> None:
    """Print one paragraph."""
    if not (folder := os.environ.get("EVALKIT_TEST_DATA")):
        sys.stdout.write("overload: EVALKIT_TEST_DATA is unset, so there are no real texts to rerank\n")
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    data = Path(folder)
    bodies = service_load.requests_of(data)
    with tempfile.TemporaryDirectory() as scratch:
        model = local_models.make_model(Path(scratch), data / "models" / "bert-base-uncased-tokenizer")
        service = service_load.ours("cross_encoder", str(model))
        with service_load.started(service) as process:
            before_s = one_after_the_other(service.url, bodies)
            most = service_load.most_a_second(service, bodies, 10.0)
            held = [memory_mb(process.pid)]
            ended = threading.Event()

            def monitor() -> None:
                """Note what the service holds, twice a second."""
                while not ended.wait(0.5):
                    held.append(memory_mb(process.pid))

            watching = threading.Thread(target=monitor)
            watching.start()
            told = overload(service.url, bodies, TIMES * most, seconds)
            ended.set()
            watching.join()
            after_s = one_after_the_other(service.url, bodies)
            sys.stdout.write(
                f"\n{TIMES} times the {most:.1f} requests/s that it can bear, for {seconds:g} s: {dict(told)}\n"
                f"memory in MB: {held[0]:.0f} before, {max(held):.0f} at most, {memory_mb(process.pid):.0f} after\n"
                f"a request alone: {before_s * 1000:.0f} ms before, {after_s * 1000:.0f} ms after\n"
            )


if __name__ == "__main__":
    main()
