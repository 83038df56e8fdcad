"""Attacks on a service from outside: endless heads, bodies and connections, browsers, forged addresses, overload."""

from __future__ import annotations

import gzip
import json
import re
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from support.overload import Load, median_s, overload
from support.raw_service import RawService, attacked, hostile, received, request, status, until

pytestmark = pytest.mark.long

MIB = 1024 * 1024
LEXICAL = ("--backend", "lexical")
CHUNKED = b"POST /v1/rerank HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture(scope="module", autouse=True)
def _files() -> None:
    """Let this process open more connections than the services that it attacks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < (wanted := min(4096, hard)):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@pytest.fixture(scope="module")
def service() -> Iterator[RawService]:
    """Return a service with short timeouts."""
    times = ("--set", "service.head_timeout_s=1", "--set", "service.body_timeout_s=1")
    with attacked(*LEXICAL, *times, stderr=subprocess.DEVNULL) as running:
        yield running


def fed(service: RawService, first: bytes, then: bytes, most: int = 48 * MIB, pause_s: float = 0.0) -> bytes:
    """Send bytes again and again until the service hangs up or `most` are sent; return its reply."""
    with service.connect(20) as connection:
        with suppress(OSError):
            connection.sendall(first)
            for _ in range(most // len(then) if then else 0):
                connection.sendall(then)
                time.sleep(pause_s)
        return received(connection)


@pytest.mark.attack("service", "heads, chunk extensions, chunk sizes and trailers without an end")
@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        (HEALTH + b"X-A: ", b"a" * 65536, 431),
        (HEALTH, b"X-AAAAAAAA: bbbbbbbbbbbbbbbbbbbb\r\n" * 2000, 431),
        (HEALTH, b"a" * 65536, 431),
        (HEALTH + b"a:\r\n" * 300, b"", 431),
        (b"GET /", b"a" * 65536, 431),
        (b"\r\n", b"\r\n" * 32768, 431),
        (b"G", b"G" * 65536, 400),
        (CHUNKED + b"5;", b"a" * 65536, 431),
        (CHUNKED, b"0" * 65536, 431),
        (CHUNKED, b"1" * 65536, 400),
        (CHUNKED + b"1\r\na\r\n0\r\n", b"X-A: bbbbbbbbbbbbbbbbbb\r\n" * 2000, 431),
        (CHUNKED + b"1\r\na\r\n0\r\nX: ", b"a" * 65536, 431),
        (CHUNKED, (b"1;" + b"e" * 1000 + b"\r\na\r\n") * 60, 413),
        (CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n", 413),
    ],
)
def test_what_has_no_end_is_cut_off(service: RawService, first: bytes, then: bytes, expected: int) -> None:
    """The client gets the reason, and the memory of the service does not grow with what it sends."""
    before_mb = service.memory_mb()
    assert status(fed(service, first, then)) == expected
    assert service.memory_mb() - before_mb < 32
    assert status(service.get("/health")) == 200


@pytest.mark.attack("service", "heads, trailers and bodies that trickle")
def test_what_trickles_is_timed_out(service: RawService) -> None:
    """However slowly a client sends, and whatever, its connection ends; no byte prolongs it."""
    slow = {
        "head": (HEALTH + b"X: ", b"a", 408),
        "empty lines": (b"\r\n", b"\r\n", None),
        "nothing": (b"", b"", None),
        "chunk extension": (CHUNKED + b"5;", b"a", 408),
        "trailer": (CHUNKED + b"1\r\na\r\n0\r\nX: ", b"a", 408),
        "body": (CHUNKED, b"1\r\n \r\n", 408),
        "body of a page": (HEALTH + b"Content-Length: 9999\r\n\r\n", b" ", 200),
    }
    replies: dict[str, bytes] = {}

    def trickle(name: str, first: bytes, then: bytes) -> None:
        replies[name] = fed(service, first, then, 400 * max(len(then), 1), pause_s=0.05 * bool(then))

    threads = [threading.Thread(target=trickle, args=(name, *one[:2])) for name, one in slow.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {name: status(reply) for name, reply in replies.items()} == {
        name: expected for name, (_, _, expected) in slow.items()
    }


@pytest.mark.attack("service", "requests that ask for another protocol, as Java's HttpClient does")
@pytest.mark.parametrize("wish", ["Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIA",
                                  "Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x",
                                  "keep-alive, upgrade\r\nUpgrade: TLS/1.0"])  # fmt: skip
def test_a_wish_to_upgrade_is_ignored(service: RawService, wish: str) -> None:
    """The answer is one of HTTP/1.1, whether the body comes with the head or later, and the connection serves on."""
    whole = request(headers=f"Connection: {wish}\r\n")
    head, gap, body = whole.partition(b"\r\n\r\n")
    for parts in ((whole,), (head + gap, body), (head[:40], head[40:] + gap + body[:5], body[5:])):
        with service.connect() as connection:
            for _ in range(2):
                for part in parts:
                    connection.sendall(part)
                    time.sleep(0.05)
                assert status(received(connection)) == 200


@pytest.mark.attack("service", "request smuggling, pipelining, other protocols")
def test_ambiguous_requests_are_refused_and_pipelined_ones_answered(service: RawService) -> None:
    """Two lengths, obscure ones and garbage are 400; 50 requests in one go have 50 replies, 10,000 are cut off."""
    post = b"POST /v1/rerank HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for refused in (
        post
        + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        post + b"Content-Length: 4\r\nContent-Length: 6\r\n\r\nabcdef",
        post + b"Content-Length: +5\r\n\r\nabcde",
        post + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"GET /health HTTP/1.1\nHost: 127.0.0.1\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
    ):
        assert status(service.exchange(refused)) == 400
    for count, answered in ((50, 50), (10_000, None)):
        with service.connect(10) as connection:
            with suppress(OSError):
                connection.sendall((HEALTH + b"\r\n") * count)
            data = b""
            with suppress(OSError):
                while data.count(b"HTTP/1.1 200") < count and (part := connection.recv(MIB)):
                    data += part
        assert data.count(b"HTTP/1.1 200") == (answered or pytest.approx(64, abs=2))
    with service.connect(10) as connection:
        connection.sendall(request("q") + b"GET /health HTTP/1.1\r\nX: ")
        data = b""
        while part := connection.recv(65536):
            data += part
    assert re.findall(rb"HTTP/1.1 (\d+)", data) == [b"200", b"408"]


@pytest.mark.attack("service", "bodies that are no requests")
def test_strange_bodies_are_refused(service: RawService) -> None:
    """Deep, compressed, binary and huge values are errors of the client, and never 500."""
    bodies = [
        b"[" * 1_000_000,
        b'{"model":"m","query":"q","documents":[' + b"[" * 900 + b"]" * 900 + b"]}",
        b'{"model":"m","query":"\\ud800","documents":["a"]}',
        b'{"model":"m","query":"a","documents":["b"],"top_n":NaN}',
        b'{"model":"m","query":"a","documents":["b"],"top_n":1e400}',
        '{"model":"x"}'.encode("utf-16"),
        b"",
        gzip.compress(b'{"query":"' + b"a" * (32 * MIB) + b'"}'),
    ]
    head = "POST /v1/rerank HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for body in bodies:
        reply = service.exchange(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert status(reply) == 400, body[:60]
    assert status(service.post(headers="Content-Encoding: gzip\r\n")) == 415
    assert status(service.exchange(f"{head}Content-Length: 99999999999\r\n\r\n".encode())) == 413


@pytest.mark.attack("service", "300 random models and paths; keys in paths")
def test_what_clients_write_is_neither_counted_nor_repeated(service: RawService) -> None:
    """Metrics have no name that a client made up; a path that does not exist is not in its error."""
    for number in range(100):
        body = json.dumps({"model": f"made-up-{number}", "query": "q", "documents": ["a"]}).encode()
        head = f"POST /made-up-{number} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        service.exchange(head.encode() + body)
    assert b"made-up" not in service.get("/metrics")
    for path in (
        "/v1/sk-secret-0123",
        "/v1/models/x/sk-secret-0123/../..",
        "/sk-secret-0123%0d%0aX-Evil:%201",
    ):
        assert status(reply := service.get(path)) == 404
        assert path.startswith("/v1/models") or b"sk-secret" not in reply
        assert b"X-Evil" not in reply
    assert b"sk-secret" not in service.get("/jina/v1/rerank?key=sk-secret-0123")


@pytest.mark.attack("service", "1,500 half-sent heads with 1,024 file descriptors")
def test_half_open_connections_take_nobodys_place() -> None:
    """While they stay, other clients are served at once; when they are timed out, their descriptors are free."""
    with (
        attacked(
            *LEXICAL, "--set", "service.head_timeout_s=2", files=1024, stderr=subprocess.DEVNULL
        ) as service,
        ExitStack() as stack,
    ):
        before_mb = service.memory_mb()
        for number in range(1500):
            connection = stack.enter_context(service.connect())
            connection.sendall(b"POST /v1/rerank HTTP/1.1\r\nHost: x\r\nX-A: " if number % 2 else b"")
            if number % 100 == 0:
                assert status(service.get("/health")) == 200
        assert [status(service.post()) for _ in range(20)] == [200] * 20
        assert service.memory_mb() - before_mb < 64
        assert until(lambda: service.open_files() < 100)
        page = service.get("/metrics").decode()
        assert 'evalkit_connections_closed_total{reason="full"} 0.0' not in page
        assert service.end() == 0


@pytest.mark.attack("service", "40 bodies of 16 MB short of a byte")
def test_bodies_have_one_limit_together() -> None:
    """Memory is bounded; the largest are refused, and short requests pass all the while."""
    size = 16 * MIB - 100
    head = f"POST /v1/rerank HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n\r\n".encode()
    with (
        attacked(*LEXICAL, "--set", "service.body_timeout_s=4", stderr=subprocess.DEVNULL) as service,
        ExitStack() as stack,
    ):
        before_mb = service.memory_mb()
        held = []
        for number in range(40):
            held.append(stack.enter_context(service.connect()))
            with suppress(OSError):
                held[-1].sendall(head + b" " * (size - 1))
            assert service.memory_mb() - before_mb < 160
            if number % 10 == 9:
                assert status(service.post()) == 200
        assert {status(received(one)) for one in held} <= {408, 503}
        assert status(service.post()) == 200


@pytest.mark.attack("service", "a forged X-Forwarded-For against the rate limit")
@pytest.mark.parametrize(("trusted", "passed"), [([], 3), (["127.0.0.0/8"], 12)])
def test_addresses_are_believed_of_trusted_proxies_only(trusted: list[str], passed: int) -> None:
    """Else a client is the peer of its connection, in limits and in the log."""
    settings = ["--set", "service.requests_per_minute=3", "--set", "service.access_log=true"]
    settings += ["--set", f"service.trusted_proxies={json.dumps(trusted)}"]
    with attacked(*LEXICAL, *settings) as service:
        forged = [
            f"X-Forwarded-For: 10.0.0.{n}\r\nForwarded: for=10.0.0.{n}\r\nX-Real-IP: 10.0.0.{n}\r\n"
            for n in range(12)
        ]
        replies = [status(service.post(headers=one)) for one in forged]
        assert replies.count(200) == passed
        assert replies.count(429) == 12 - passed
        assert service.end() == 0
        assert service.process.stderr is not None
        clients = {json.loads(line)["client"] for line in service.process.stderr.read().splitlines()}
        assert clients == ({"127.0.0.1"} if not trusted else {f"10.0.0.{n}" for n in range(12)})


@pytest.mark.attack("service", "requests that a web page makes a browser send")
def test_web_pages_cannot_use_a_service_on_loopback() -> None:
    """Foreign names, foreign origins and content types of forms are refused; what is allowed is served."""
    allowed = ["--set", 'service.allowed_hosts=["rerank.example"]']
    allowed += ["--set", 'service.allowed_origins=["https://app.example"]']
    body = json.dumps({"model": "any", "query": "q", "documents": ["a"]})
    json_type = "Content-Type: application/json; charset=utf-8\r\n"
    cases = [
        ("Host: 127.0.0.1:80\r\n" + json_type, 200),
        ("Host: localhost\r\n", 200),
        ("Host: LOCALHOST.:8080\r\nContent-Type: application/vnd.api+json\r\n", 200),
        ("Host: [::1]:1\r\n" + json_type, 200),
        ("Host: rerank.example\r\n" + json_type, 200),
        (json_type, 200),
        ("Host: evil.example\r\n" + json_type, 421),
        ("Host: 127.0.0.1.evil.example\r\n" + json_type, 421),
        ("Host: localhost:80@evil.example\r\n" + json_type, 421),
        ("Host: 0.0.0.0\r\n" + json_type, 421),
        ("Host: localhost\r\nHost: evil.example\r\n" + json_type, 421),
        ("Host: localhost\r\nOrigin: https://evil.example\r\n" + json_type, 403),
        ("Host: localhost\r\nOrigin: null\r\n" + json_type, 403),
        ("Host: localhost:1\r\nOrigin: http://localhost:2\r\n" + json_type, 403),
        ("Host: localhost:1\r\nOrigin: http://localhost:1\r\n" + json_type, 200),
        ("Host: localhost\r\nOrigin: https://app.example\r\n" + json_type, 200),
        ("Host: localhost\r\nOrigin: https://app.example\r\n", 415),
        ("Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n", 200),
        ("Host: localhost\r\nSec-Fetch-Site: cross-site\r\nContent-Type: text/plain\r\n", 415),
        (
            "Host: localhost\r\nOrigin: https://app.example\r\nContent-Type: text/plain; application/json\r\n",
            415,
        ),
    ]
    with attacked(*LEXICAL, *allowed, stderr=subprocess.DEVNULL) as service:
        for headers, expected in cases:
            head = f"POST /v1/rerank HTTP/1.1\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
            reply = service.exchange((head + body).encode())
            assert (headers, status(reply)) == (headers, expected)
            assert (b"access-control-allow-origin" in reply.lower()) == ("app.example" in headers)
            assert expected == 200 or b'{"error":' in reply
        for page in ("/metrics", "/v1/models", "/openapi.json"):
            assert status(service.get(page, "Host: evil.example\r\n")) == 421


@pytest.mark.attack("service", "a client that does not read its replies")
def test_replies_that_nobody_reads_hold_nothing_up() -> None:
    """Others are served, and memory does not grow with each further request of that client."""
    text = "w " * 200_000
    body = json.dumps(
        {"model": "any", "query": "w", "documents": [text] * 8, "return_documents": True}
    ).encode()
    head = f"POST /v1/rerank HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with attacked(*LEXICAL, stderr=subprocess.DEVNULL) as service, ExitStack() as stack:
        before_mb = service.memory_mb()
        for _ in range(12):
            connection = stack.enter_context(service.connect())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            with suppress(OSError):
                connection.sendall(head + body)
        assert until(lambda: status(service.post()) == 200)
        assert service.memory_mb() - before_mb < 250


@pytest.mark.attack("service", "ten times the capacity with 1,500 idle connections")
def test_overload_is_refused_and_passes(tmp_path: Path) -> None:
    """Only statuses that say so, with Retry-After; memory is bounded, and then everything is as before."""
    settings = ("--set", "service.max_waiting_pairs=80", "--set", "service.concurrency=2")
    with attacked(*hostile(tmp_path), *settings, files=1024, stderr=subprocess.DEVNULL) as service:
        median_s(service.port, request())
        before_mb = service.memory_mb()
        load = Load(service.port, request("slow0.1"), per_s=200, seconds=8, idle=1500)
        found = overload(load, service.memory_mb)
        assert set(found.statuses) <= {"200", "429", "408", "431", "503"}
        assert found.statuses["200"] > 100
        assert found.statuses["429"] > 100
        assert found.without_retry_after == 0
        assert max(found.memory_mb) - before_mb < 100
        median_s(service.port, request())
        assert [status(service.get("/ready")), service.end()] == [200, 0]
