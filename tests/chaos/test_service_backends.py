"""Attacks on a service from within: backends that raise, hang and print, logs that no one reads, unusable keys."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from support.command import start_evalkit
from support.raw_service import attacked, hostile, status, until

pytestmark = pytest.mark.long

MIB = 1024 * 1024
BODY = {"model": "any", "query": "q", "documents": ["a", "b"]}
LEXICAL = ("--backend", "lexical")


@pytest.mark.attack("service", "a backend that raises what is no Exception")
def test_workers_survive_whatever_a_backend_raises(tmp_path: Path) -> None:
    """SystemExit, KeyboardInterrupt, GeneratorExit, a panic of native code: 500 each, and the next one is served."""
    with attacked(*hostile(tmp_path), "--set", "service.concurrency=2", stderr=subprocess.DEVNULL) as service:
        for word in ("exit", "kbd", "gen", "panic", "mem") * 2:
            reply = service.post(word)
            assert (word, status(reply)) == (word, 500)
            assert b"sk-live" not in reply
        assert [status(service.post()), status(service.get("/ready"))] == [200, 200]


@pytest.mark.attack("service", "a backend that hangs: /ready, and requests meanwhile")
def test_a_service_whose_workers_hang_is_not_ready(tmp_path: Path) -> None:
    """It says so, refuses at once instead of letting clients wait, and is alive."""
    settings = ("--set", "service.concurrency=2", "--set", "service.answer_timeout_s=1")
    with attacked(*hostile(tmp_path), *settings, stderr=subprocess.DEVNULL) as service:
        assert status(service.post("hang")) == 503
        assert [status(service.post()), status(service.get("/ready"))] == [200, 200]
        assert status(service.post("hang")) == 503
        assert status(service.post()) == 503
        assert [status(service.get("/ready")), status(service.get("/health"))] == [503, 200]


@pytest.mark.attack("service", "SIGTERM and SIGINT while a backend hangs")
@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("hang", signal.SIGTERM),
        ("native", signal.SIGTERM),
        ("ignore", signal.SIGTERM),
        ("hang", signal.SIGINT),
    ],
)
def test_a_service_ends_whatever_a_backend_does(tmp_path: Path, word: str, number: signal.Signals) -> None:
    """After ``drain_s`` what waits is answered 503 and the process ends, with exit code 3 and a reason."""
    settings = ("--set", "service.drain_s=1", "--set", "service.notice_s=0.1")
    with attacked(*hostile(tmp_path), *settings) as service:
        replies: list[bytes] = []
        threads = [threading.Thread(target=lambda: replies.append(service.post(word))) for _ in range(6)]
        for thread in threads:
            thread.start()
        assert until(lambda: b'evalkit_waiting_pairs{model="hostile"} 4.0' in service.get("/metrics"))
        assert service.end(number) == 3
        for thread in threads:
            thread.join(20)
        assert [status(reply) for reply in replies] == [503] * 6
        assert service.process.stderr is not None
        assert "error: a backend did not return in time" in service.process.stderr.read()


@pytest.mark.attack("service", "SIGTERM while a backend does not close, and twice")
def test_a_service_ends_if_its_backend_does_not_close(tmp_path: Path) -> None:
    """Closing a backend has no more time than pending requests; further signals end it at once."""
    settings = ("--set", "service.drain_s=1", "--set", "service.notice_s=0.1")
    with attacked(*hostile(tmp_path), "--set", "close_s=1000", *settings) as service:
        assert service.end() == 3
    with attacked(*hostile(tmp_path), "--set", "service.drain_s=600") as service:
        asking = threading.Thread(target=service.post, args=("hang",))
        asking.start()
        assert until(lambda: b"evalkit_connections 2.0" in service.get("/metrics"))
        for _ in range(2):
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
        assert service.end() == 3
        asking.join(20)


@pytest.mark.attack("service", "SIGINT and SIGTERM while a model loads in native code")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_start_can_be_interrupted(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """Also where Python's own handler does not run, because the main thread is in native code."""
    process = start_evalkit("serve", "--port", "0", *hostile(tmp_path), "--set", "load_s=1000")
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "loading\n"
        time.sleep(0.2)
        process.send_signal(number)
        assert process.wait(20) == code
    finally:
        process.kill()
        process.communicate()


@pytest.mark.attack("service", "a log pipe that nobody reads")
def test_a_full_pipe_stops_no_answer(tmp_path: Path) -> None:
    """Neither the access log, tracebacks nor what a backend prints; what is dropped is counted, and reported."""
    reader, writer = os.pipe()
    with attacked(*hostile(tmp_path), "--set", "service.access_log=true", stderr=writer) as service:
        os.close(writer)
        assert [status(service.post()) for _ in range(600)] == [200] * 600
        for _ in range(25):  # 5 MB on stdout and on stderr
            assert status(service.post("print")) == 200
        assert status(service.post("panic")) == 500
        assert "evalkit_log_messages_dropped_total 0.0" not in service.get("/metrics").decode()
        os.set_blocking(reader, False)
        found = b""

        def reported() -> bool:
            nonlocal found
            with suppress(BlockingIOError):
                found += os.read(reader, MIB)
            return bool(re.search(rb"evalkit: \d+ log messages were dropped", found))

        assert until(reported)
        os.close(reader)
        assert [status(service.post("print")), status(service.post()), service.end()] == [200, 200, 0]


@pytest.mark.attack("service", "an end while nobody reads the log")
def test_a_full_pipe_does_not_keep_a_service_from_ending(tmp_path: Path) -> None:
    """SIGTERM ends it with exit code 0, and nobody had to read."""
    with attacked(*hostile(tmp_path), "--set", "service.drain_s=5") as service:
        for _ in range(3):
            assert status(service.post("print")) == 200
        assert service.end() == 0


@pytest.mark.attack("service", "stdout and stderr closed, or on a full disk")
@pytest.mark.parametrize("outputs", [">&- 2>&-", ">&-", ">/dev/full 2>/dev/full"])
def test_a_service_needs_no_output(outputs: str) -> None:
    """It serves, and ends with exit code 0: no connection takes the place of a closed output."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = (
        f'exec "$0" -m evalkit serve --backend lexical --port {port} --set service.access_log=true {outputs}'
    )
    process = subprocess.Popen(["bash", "-c", script, sys.executable])
    try:
        address = f"http://127.0.0.1:{port}/health"

        def is_up() -> bool:
            with suppress(httpx.TransportError):
                return httpx.get(address).status_code == 200
            return False

        assert until(is_up)
        assert [
            httpx.post(address.replace("health", "v1/rerank"), json=BODY).status_code for _ in range(5)
        ] == [200] * 5
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.attack("service", "a key variable that no client can send")
def test_a_key_is_stripped_or_refused() -> None:
    """A line break at its end is no part of a key; one within is refused before anything is served."""
    key = {"EVALKIT_TEST_KEY": "sk-test-0123\n "}
    words = ("--api-key-env", "EVALKIT_TEST_KEY")
    with attacked(*LEXICAL, *words, env=os.environ | key, stderr=subprocess.DEVNULL) as service:
        assert status(service.post()) == 401
        assert status(service.post(headers="Authorization: Bearer sk-test-0123\r\n")) == 200
        assert b"sk-test" not in service.get("/v1/sk-test-0123")
    for bad in ("sk-test 0123", "sk-test\r\nX: 1", "ключ"):
        process = start_evalkit("serve", *LEXICAL, *words, env=os.environ | {"EVALKIT_TEST_KEY": bad})
        _, said = process.communicate(timeout=60)
        assert process.returncode == 2
        assert said.startswith("error: the API key has a space")
        assert bad not in said
