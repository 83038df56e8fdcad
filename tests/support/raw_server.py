"""A server that does with each connection what a test scripts, byte for byte; TLS certificates for it; an environment
without proxies.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LONGEST_S = 30.0
"""No script lasts longer, whatever the client does."""
Script = Callable[[socket.socket], None]
PROXY_VARIABLES = tuple(
    name
    for scheme in ("http", "https", "all", "no")
    for name in (f"{scheme}_proxy", f"{scheme}_PROXY".upper())
)


@contextmanager
def raw_server(script: Script) -> Iterator[int]:
    """Run `script` with each connection, in a thread of its own, on a free port of loopback; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    over = threading.Event()

    def serve(line: socket.socket) -> None:
        """Run the script, and close the connection."""
        line.settimeout(LONGEST_S)
        with line, contextlib.suppress(OSError):
            script(line)

    def accept() -> None:
        """Take connections until it is over."""
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join()
        listener.close()


def drips(begin: bytes, piece: bytes, pause_s: float = 0.02, *, after_request: bool = True) -> Script:
    """Read a request, then send `begin` and `piece` again and again until the client has gone."""

    def script(line: socket.socket) -> None:
        if after_request:
            line.recv(65536)
        line.sendall(begin)
        end_s = time.monotonic() + LONGEST_S
        while time.monotonic() < end_s:
            line.sendall(piece)
            time.sleep(pause_s)

    return script


def whole_requests(line: socket.socket) -> Iterator[bytes]:
    """Yield each request whose body is `{}`: head and body may come apart, and a reply to each is one too many."""
    request = b""
    while part := line.recv(65536):
        request += part
        if request.endswith(b"\r\n\r\n{}"):
            yield request
            request = b""


def reads_nothing(line: socket.socket) -> None:
    """Leave the request unread until the client has gone or the test is over."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    time.sleep(5)


def certificate(folder: Path, *hosts: str) -> tuple[Path, Path]:
    """Return a self-signed certificate for hosts, and its key; skip the test where openssl is missing."""
    crt, key = folder / "server.crt", folder / "server.key"
    names = ",".join(f"DNS:{host}" for host in hosts)
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-keyout", key, "-out", crt, "-days", "2", "-subj", f"/CN={hosts[0]}",
               "-addext", f"subjectAltName={names}"]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return crt, key


def without_proxies(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """Forget the proxies of this machine, and set variables."""
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
