"""``evalkit serve`` as a process that is attacked: raw sockets, hostile backends, memory and file descriptors."""

from __future__ import annotations

import json
import re
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from support.command import start_evalkit

HOSTILE_BACKEND = '''
import ctypes, sys, time
from typing import Literal
import numpy as np
from evalkit.config import RerankerSettings
from evalkit.records import RerankResponse

class Panic(BaseException):
    """As pyo3's PanicException."""

RAISED = {"exit": SystemExit, "kbd": KeyboardInterrupt, "gen": GeneratorExit, "panic": Panic, "mem": MemoryError}

class Hostile:
    """Does what the query says."""
    pointwise = True
    score_kind = "logit"
    class Settings(RerankerSettings):
        backend: Literal["hostile"] = "hostile"
        close_s: float = 0.0
        load_s: int = 0
    def __init__(self, settings):
        self.settings = settings
        if settings.load_s:
            print("loading", flush=True)
            for _ in range(settings.load_s):
                ctypes.CDLL(None).sleep(settings.load_s)
    def score(self, request):
        word = request.query
        if word in RAISED:
            raise RAISED[word]("sk-live-0123456789")
        if word == "hang":
            time.sleep(10_000)
        if word == "native":
            ctypes.CDLL(None).sleep(10_000)
        if word == "ignore":
            while True:
                try:
                    time.sleep(10_000)
                except BaseException:
                    pass
        if word == "print":
            for _ in range(2_000):
                print("x" * 100)
                print("x" * 100, file=sys.stderr)
        if word.startswith("slow"):
            time.sleep(float(word[4:]))
        return RerankResponse(np.arange(len(request.documents), dtype=float))
    def close(self):
        time.sleep(self.settings.close_s)
'''
"""A backend that raises what is no Exception, hangs, prints or is slow, as the query says."""


class RawService:
    """A running service, spoken to with raw bytes.

    Attributes
    ----------
    process
        Its process.
    port
        Where it listens on 127.0.0.1.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r":(\d+)/", line)
        assert found, f"the service did not start: {line}"
        self.port = int(found[1])

    def connect(self, timeout_s: float = 10.0) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)

    def exchange(self, data: bytes, timeout_s: float = 10.0) -> bytes:
        """Send bytes on a connection of their own; return what comes back until one reply is complete or it ends."""
        with self.connect(timeout_s) as connection:
            with suppress(OSError):
                connection.sendall(data)
            return received(connection)

    def post(
        self, query: str = "q", headers: str = "", timeout_s: float = 20.0, path: str = "/v1/rerank"
    ) -> bytes:
        """Post a rerank request; `headers` are further lines."""
        return self.exchange(request(query, headers, path=path), timeout_s)

    def get(self, path: str, headers: str = "Host: 127.0.0.1\r\n", timeout_s: float = 10.0) -> bytes:
        """Get a page."""
        return self.exchange(f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode(), timeout_s)

    def memory_mb(self) -> float:
        """Return the memory that the process holds now."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+)", text)
        assert found
        return int(found[1]) / 1024

    def open_files(self) -> int:
        """Return the number of file descriptors of the process."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def end(self, number: signal.Signals = signal.SIGTERM, within_s: float = 20.0) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(within_s)


@contextmanager
def attacked(*words: str, files: int | None = None, **options: Any) -> Iterator[RawService]:
    """Run a service within; `files` is its limit of open files."""

    def limit() -> None:
        assert files is not None
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    if files is not None:
        options["preexec_fn"] = limit
    process = start_evalkit("serve", "--port", "0", *words, **options)
    try:
        yield RawService(process)
    finally:
        process.kill()
        process.wait(20)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def hostile(folder: Path) -> list[str]:
    """Write the hostile backend into a folder; return the arguments that serve it."""
    file = folder / "hostile_backend.py"
    file.write_text(HOSTILE_BACKEND, encoding="utf-8")
    return ["--backend", "hostile", "--set", f"plugins={json.dumps([str(file)])}"]


def request(query: str = "q", headers: str = "", documents: int = 2, path: str = "/v1/rerank") -> bytes:
    """Return the bytes of a rerank request."""
    texts = [f"document {number}" for number in range(documents)]
    body = json.dumps({"model": "any", "query": query, "documents": texts}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode("latin-1") + body


def received(connection: socket.socket) -> bytes:
    """Return what a connection brings until one reply is complete, it ends, or its timeout."""
    data = b""
    with suppress(OSError):
        while part := connection.recv(65536):
            data += part
            head, _, body = data.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            if length and len(body) >= int(length[1]):
                break
    return data


def status(reply: bytes) -> int | None:
    """Return the status of a reply; None if there is none."""
    parts = reply.split(b" ", 2)
    return int(parts[1]) if len(parts) > 1 and parts[0].startswith(b"HTTP/") else None


def until(holds: Callable[[], bool], within_s: float = 20.0) -> bool:
    """Wait until something holds; return whether it does."""
    end = time.monotonic() + within_s
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return held
