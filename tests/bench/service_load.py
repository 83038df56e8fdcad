"""The service under load, beside infinity serving the same model in the same run: ``make bench``.

Passages of the DL19 pool, four a request. First every service is kept busy by 16 clients (requests a second); then
requests come at a fixed rate, whatever becomes of the others (Poisson, response times from the moment a request was
due). Services take turns, several rounds. The model is a cross-encoder of MiniLM-L6's shape with random weights, or a
bi-encoder: infinity has no rerank endpoint for one, and is asked to embed the query and the passages.

``python tests/bench/service_load.py [--bi-encoder MODEL] [--infinity PROGRAM] [--seconds S] [--rounds N]``: the
``infinity_emb`` of an environment that has it; without one it is left out.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import local_models
import numpy as np

CLIENTS, DOCUMENTS = 16, 4
SHARE = 0.7
"""Of the requests a second that the plainest way can bear: the rate at which response times are taken."""

LONGER = 3
"""Times the seconds of a round that a schedule lasts: the tail of a short one is the luck of its draw."""

Bodies = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Service:
    """What is run, and how it is asked."""

    command: list[str]
    url: str
    embeds: bool = False

    def body(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a rerank request as this service takes it."""
        return {"model": "m", "input": [body["query"], *body["documents"]]} if self.embeds else body


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def started(service: Service) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service; it answers by the time it is yielded."""
    offline = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0"}
    process = subprocess.Popen(
        service.command, env=os.environ | offline, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        limit = time.monotonic() + 180
        while time.monotonic() < limit and process.poll() is None:
            try:
                asked = service.body({"model": "m", "query": "q", "documents": ["d"]})
                httpx.post(service.url, json=asked, timeout=60).raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.2)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def ours(backend: str, model: str, *more: str) -> Service:
    """Return evalkit's own service."""
    port = free_port()
    command = [sys.executable, "-m", "evalkit", "serve", "--backend", backend, "--set", f"model={model}"]
    return Service([*command, "--port", str(port), *more], f"http://127.0.0.1:{port}/v1/rerank")


def services(backend: str, model: str, infinity: str | None) -> dict[str, Service]:
    """Return every service by name."""
    found = {
        "evalkit": ours(backend, model),
        "evalkit, one by one": ours(backend, model, "--set", "service.merging=false"),
    }
    if infinity:
        port = free_port()
        command = [
            infinity,
            "v2",
            "--model-id",
            model,
            "--served-model-name",
            "m",
            "--engine",
            "torch",
            "--device",
            "cpu",
        ]
        command += ["--no-bettertransformer", "--no-model-warmup", "--host", "127.0.0.1", "--port", str(port)]
        embeds = backend == "bi_encoder"
        url = f"http://127.0.0.1:{port}/{'embeddings' if embeds else 'rerank'}"
        found["infinity"] = Service(command, url, embeds)
    return found


def in_threads(count: int, work: Callable[[httpx.Client], None]) -> None:
    """Run work in threads, each with a client of its own."""

    def run() -> None:
        with httpx.Client(timeout=60) as client:
            work(client)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def most_a_second(service: Service, bodies: Bodies, seconds: float) -> float:
    """Return the requests a second that clients get answered who ask one after the other."""
    answered: list[int] = []
    end = time.monotonic() + seconds

    def ask(client: httpx.Client) -> None:
        while time.monotonic() < end:
            reply = client.post(service.url, json=service.body(bodies[len(answered) % len(bodies)]))
            answered.append(reply.raise_for_status().status_code)

    start = time.monotonic()
    in_threads(CLIENTS, ask)
    return len(answered) / (time.monotonic() - start)


def response_times(service: Service, bodies: Bodies, due: Sequence[float]) -> np.ndarray:
    """Return how long each request took from the moment it was due."""
    lock, turn, start = threading.Lock(), iter(range(len(due))), time.monotonic()
    taken = np.full(len(due), np.nan)

    def ask(client: httpx.Client) -> None:
        while True:
            with lock:
                number = next(turn, None)
            if number is None:
                return
            time.sleep(max(start + due[number] - time.monotonic(), 0))
            client.post(service.url, json=service.body(bodies[number % len(bodies)])).raise_for_status()
            taken[number] = time.monotonic() - start - due[number]

    in_threads(4 * CLIENTS, ask)
    return taken


def requests_of(data: Path) -> Bodies:
    """Return requests of four passages each."""
    return [
        {
            "model": "m",
            "query": pairs[start][0],
            "documents": [d for _, d in pairs[start : start + DOCUMENTS]],
        }
        for pairs in local_models.passages(data, 10)
        for start in range(0, len(pairs), DOCUMENTS)
    ]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bi-encoder")
    parser.add_argument("--infinity")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if not (folder := os.environ.get("EVALKIT_TEST_DATA")):
        sys.stdout.write("service: EVALKIT_TEST_DATA is unset, so there are no real texts to rerank\n")
        return
    data = Path(folder)
    bodies = requests_of(data)
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        model = asked.bi_encoder or str(
            local_models.make_model(Path(scratch), data / "models" / "bert-base-uncased-tokenizer")
        )
        backend = "bi_encoder" if asked.bi_encoder else "cross_encoder"
        running = services(backend, model, asked.infinity)
        for service in running.values():
            stack.enter_context(started(service))
        rates: dict[str, list[float]] = {name: [] for name in running}
        for _ in range(asked.rounds):
            for name, service in running.items():
                rates[name].append(most_a_second(service, bodies, asked.seconds))
        rate = SHARE * statistics.median(rates["evalkit, one by one"])
        times: dict[str, list[np.ndarray]] = {name: [] for name in running}
        for number in range(asked.rounds):
            draws = np.random.default_rng(number)  # a schedule a round, the same for every service
            gaps = draws.exponential(1 / rate, int(rate * LONGER * asked.seconds))
            for name, service in running.items():
                times[name].append(response_times(service, bodies, np.cumsum(gaps).tolist()))
    sys.stdout.write(
        f"\nservice of a {backend}, {DOCUMENTS} passages a request, {asked.rounds} interleaved rounds of"
        f" {asked.seconds:g} s, then of {LONGER * asked.seconds:g} s: {times['evalkit'][0].size} requests each\n"
        f"{'':22}{f'requests/s, {CLIENTS} clients':>26}{'ratio':>8}{f'p50 ms at {rate:.1f}/s':>20}{'p95 ms':>10}"
        f"{'ratio':>8}\n"
    )
    first = statistics.median(rates["evalkit"])
    own = np.quantile(np.concatenate(times["evalkit"]), 0.95)
    for name in running:
        most = statistics.median(rates[name])
        p50, p95 = np.quantile(np.concatenate(times[name]), (0.5, 0.95))
        sys.stdout.write(
            f"{name:22}{most:26.1f}{most / first:8.2f}{p50 * 1000:20.0f}{p95 * 1000:10.0f}{p95 / own:8.2f}\n"
        )


if __name__ == "__main__":
    main()
