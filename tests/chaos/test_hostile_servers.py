"""Servers that never end, at any step of an exchange: the timeout of the call is the end."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.command import evalkit, only_folder
from support.faulty import FaultyServer, reply_of
from support.raw_server import (
    Script,
    certificate,
    drips,
    raw_server,
    reads_nothing,
    whole_requests,
    without_proxies,
)

from evalkit.errors import CallError
from evalkit.http_client import Connections, Redactor

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = OK + b"Content-Encoding: gzip\r\nContent-Length: 100000000000\r\n\r\n"
GZIP_NAME = b"\x1f\x8b\x08\x08\0\0\0\0\0\x03"
GZIP_PLAIN = b"\x1f\x8b\x08\x00\0\0\0\0\0\x03"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
TIMEOUT_S = 0.4


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the proxies of this machine."""
    without_proxies(monkeypatch)


def failure(url: str, body: bytes = b"{}", connect_timeout_s: float = 30.0) -> CallError:
    """Return the error of a call with a timeout of `TIMEOUT_S`; fail if the call outlives it by seconds."""
    connections = Connections(url, {}, connect_timeout_s, TIMEOUT_S, Redactor())
    raised: list[CallError] = []

    def call() -> None:
        with pytest.raises(CallError) as error:
            connections.post(body)
        raised.append(error.value)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(15)
    assert not thread.is_alive(), "the call outlives its timeout"
    connections.close()
    return raised[0]


ENDLESS: dict[str, Script] = {
    "the status line": drips(b"HTTP/1.1 200 ", b"O"),
    "a header": drips(OK + b"X-A: ", b"a"),
    "many headers": drips(OK, b"X-A: a\r\n"),
    "early hints": drips(b"", EARLY),
    "early hints at full speed": drips(b"", EARLY * 1000, 0),
    "100 Continue": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the extension of a chunk": drips(CHUNKED + b"5;", b"a"),
    "the size of a chunk": drips(CHUNKED, b"0"),
    "chunks of one byte": drips(CHUNKED, b"1\r\n \r\n"),
    "trailers": drips(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-T: a\r\n"),
    "the name in a gzip header": drips(GZIP + GZIP_NAME, b"a"),
    "the comment in a gzip header": drips(GZIP + b"\x1f\x8b\x08\x10\0\0\0\0\0\x03", b"a"),
    "empty deflate blocks": drips(GZIP + GZIP_PLAIN, b"\0\0\0\xff\xff" * 10),
    "empty gzip members": drips(GZIP, gzip.compress(b"")),
    "the body": drips(OK + b"Content-Length: 1000000\r\n\r\n", b" "),
    "a body until the connection closes": drips(OK + b"\r\n", b" "),
    "silence": drips(b"", b"", 0.1),
}


@pytest.mark.attack("client", "a reply that never ends: header, 1xx, chunks, trailers, gzip, body")
@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_a_reply_that_never_ends_ends_at_the_timeout(script: Script) -> None:
    """It is a retryable timeout with the usual message, however the bytes come."""
    with raw_server(script) as port:
        error = failure(f"http://127.0.0.1:{port}/v1/rerank")
    assert (error.kind, error.remedy.transient) == ("timeout", True)
    assert error.message == f"http://127.0.0.1:{port}/v1/rerank timed out after 0.4 s"


FLOODS: dict[str, Script] = {
    "early hints": drips(b"", EARLY * 1000, 0),
    "the name in a gzip header": drips(GZIP + GZIP_NAME, b"a" * 65536, 0),
    "empty deflate blocks": drips(GZIP + GZIP_PLAIN, b"\0\0\0\xff\xff" * 10_000, 0),
    "chunks of one byte": drips(CHUNKED, b"1\r\n \r\n" * 10_000, 0),
    "spaces": drips(OK + b"Content-Length: 100000000000\r\n\r\n", b" " * 65536, 0),
}


@pytest.mark.attack("client", "a flood of bytes that mean nothing")
@pytest.mark.parametrize("script", FLOODS.values(), ids=FLOODS)
def test_a_flood_ends_at_the_timeout_or_at_the_limit_of_bytes(script: Script) -> None:
    """Received bytes count, and not only those that come out of the decompression."""
    with raw_server(script) as port:
        error = failure(f"http://127.0.0.1:{port}/v1/rerank")
    assert error.kind == "timeout" or "exceeds" in error.message


def nested_gzip(line: socket.socket) -> None:
    """Answer with 16 kB that two decompressions make 16 GB of."""
    line.recv(65536)
    bomb = gzip.compress(gzip.compress(bytes(2**28), 9), 9)
    line.sendall(OK + b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)


def one_bomb(line: socket.socket) -> None:
    """Answer with a body whose first 64 kB are 64 MB, and so on."""
    line.recv(65536)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(2**22)) for _ in range(64)) + packer.flush()
    line.sendall(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)


@pytest.mark.attack("client", "a compression that was not asked for, or in layers")
@pytest.mark.parametrize(
    ("script", "said"),
    [
        (nested_gzip, "content-encoding 'gzip, gzip' was not asked for"),
        (drips(OK + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", b"", 0.1), "'br' was not asked"),
        (drips(OK + b"Content-Encoding: zstd\r\nContent-Length: 2\r\n\r\n{}", b"", 0.1), "'zstd' was not"),
        (one_bomb, "exceeds 64 MiB"),
    ],
    ids=["gzip in gzip", "br", "zstd", "gzip"],
)
def test_a_compression_that_cannot_be_bounded_is_refused(script: Script, said: str) -> None:
    """By name; nothing is decompressed beyond the limit of a reply."""
    with raw_server(script) as port:
        connections = Connections(f"http://127.0.0.1:{port}/", {}, 5.0, 20.0, Redactor())
        with pytest.raises(CallError, match=said):
            connections.post(b"{}")
        connections.close()


@pytest.mark.attack("client", "a server that takes a request, or a handshake, without end")
@pytest.mark.parametrize(
    ("scheme", "script"),
    [
        ("http", reads_nothing),
        ("https", reads_nothing),
        # A TLS record of 16 kB, a byte at a time.
        ("https", drips(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", b"a", after_request=False)),
    ],
    ids=["upload", "handshake without an answer", "handshake a byte at a time"],
)
def test_a_request_that_is_not_taken_ends_at_the_timeout(scheme: str, script: Script) -> None:
    """The deadline of the call counts for what is sent, too."""
    with raw_server(script) as port:
        error = failure(f"{scheme}://127.0.0.1:{port}/v1/rerank", b"x" * 50_000_000)
    assert (error.kind, error.remedy.transient) == ("timeout", True)


def test_a_slow_reader_gets_no_more_time() -> None:
    """Each part that the server takes within the timeout starts no new timeout."""

    def sips(line: socket.socket) -> None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(300):
            line.recv(50_000)
            time.sleep(0.05)

    with raw_server(sips) as port:
        assert failure(f"http://127.0.0.1:{port}/", b"x" * 100_000_000).kind == "timeout"


@pytest.mark.attack("client", "a proxy that answers CONNECT without end")
@pytest.mark.parametrize(
    "begin", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["head", "tunnel"]
)
def test_a_proxy_that_never_connects_ends_at_the_timeout(
    begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tunnel, and the handshake in it, are within the deadline of the call."""
    with raw_server(drips(begin, b"\x16")) as port:
        without_proxies(monkeypatch, HTTPS_PROXY=f"http://127.0.0.1:{port}")
        error = failure("https://rerank.invalid/v1/rerank")
    assert error.kind in {"timeout", "connect"}


@pytest.mark.attack("client", "a name that is never resolved")
def test_a_name_that_is_never_resolved_ends_at_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search for a name has no timeout of its own; the call has."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5) or [])
    assert failure("http://rerank.invalid/").kind == "timeout"
    error = failure("http://rerank.invalid/", connect_timeout_s=0.1)
    assert (error.kind, error.message) == (
        "connect",
        "connection to http://rerank.invalid/ timed out after 0.1 s",
    )


@pytest.fixture
def tunnel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run a TLS server behind a TLS proxy, both with one certificate, while a test lasts."""
    crt, key = certificate(tmp_path, "rerank.invalid", "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)

    def server(line: socket.socket) -> None:
        """Answer every request over TLS."""
        with context.wrap_socket(line, server_side=True) as tls:
            for _ in whole_requests(tls):
                tls.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    def proxy(line: socket.socket) -> None:
        """Connect every tunnel to the server."""
        with (
            context.wrap_socket(line, server_side=True) as tls,
            socket.create_connection(("127.0.0.1", inner)) as out,
        ):
            assert tls.recv(65536).startswith(b"CONNECT rerank.invalid:443")
            tls.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            tls.settimeout(0.02)
            out.settimeout(0.02)
            end_s = time.monotonic() + 20
            while time.monotonic() < end_s:
                for source, target in ((tls, out), (out, tls)):
                    try:
                        data = source.recv(65536)
                    except TimeoutError:
                        continue
                    if not data:
                        return
                    target.sendall(data)

    with raw_server(server) as inner, raw_server(proxy) as outer:
        without_proxies(monkeypatch, HTTPS_PROXY=f"https://localhost:{outer}", SSL_CERT_FILE=str(crt))
        yield


@pytest.mark.usefixtures("tunnel")
def test_tls_through_a_tls_proxy_works() -> None:
    """Requests and replies pass, and the connection is used again."""
    connections = Connections("https://rerank.invalid/v1/rerank", {}, 10.0, 10.0, Redactor())
    first, second = connections.post(b"{}"), connections.post(b"{}")
    connections.close()
    assert (first.content, second.content) == (b"{}", b"{}")
    assert (first.reused, second.reused) == (False, True)


def test_a_connection_is_not_used_again_after_a_timeout() -> None:
    """The late reply to the first request is not taken for that to the second."""
    lines: list[socket.socket] = []

    def late(line: socket.socket) -> None:
        lines.append(line)
        line.recv(65536)
        if len(lines) == 1:
            time.sleep(1.5)
            line.sendall(OK + b"Content-Length: 4\r\n\r\nlate")
        else:
            line.sendall(OK + b"Content-Length: 2\r\n\r\n{}")
        line.recv(65536)

    with raw_server(late) as port:
        connections = Connections(f"http://127.0.0.1:{port}/", {}, 5.0, 1.0, Redactor())
        with pytest.raises(CallError, match="timed out after 1 s"):
            connections.post(b"{}")
        second = connections.post(b"{}")
        connections.close()
    assert (second.content, second.reused, len(lines)) == (b"{}", False, 2)


CONFIG = """\
name: hostile
datasets: [{{source: beir_folder, path: {folder}}}]
retriever: {{depth: 5}}
rerankers:
  api: {{backend: http, url: '{url}', model: m, timeout_s: 0.5, retries: 0}}
metrics: [nDCG@10]
"""


@pytest.mark.attack("client", "a run against a server that drips its header")
def test_a_run_against_a_server_that_never_ends_is_over(tmp_path: Path, beir_folder: Path) -> None:
    """It exits with 3, names the timeout for each query, and has no score."""
    config = tmp_path / "c.yaml"
    with raw_server(drips(OK + b"X-A: ", b"a")) as port:
        config.write_text(
            CONFIG.format(folder=beir_folder, url=f"http://127.0.0.1:{port}/rerank"), encoding="utf-8"
        )
        done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 3
    assert "/rerank timed out after 0.5 s" in done.stderr
    assert not list(tmp_path.rglob("scores.parquet"))


@pytest.mark.attack("client", "amounts that are none: 1e30 tokens, 2**63, text")
@pytest.mark.parametrize("tokens", [1e30, 2**63, "12"])
def test_an_amount_that_is_none_costs_no_score(tokens: object, tmp_path: Path, beir_folder: Path) -> None:
    """The scores are kept, the amount is unknown and not 0, and one warning names field and value."""

    def honest_but(visit: Any) -> None:
        visit.answer(
            json.dumps(reply_of(visit.body, usage={"total_tokens": tokens})).encode(),
            Server_Timing="total;dur=" + "9" * 400,
        )

    server = FaultyServer(honest_but, "garden bird")
    config = tmp_path / "c.yaml"
    with server.running() as url:
        config.write_text(CONFIG.format(folder=beir_folder, url=url), encoding="utf-8")
        done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("warning: api: a reply has usage.total_tokens: ") == 1
    calls = pd.read_parquet(only_folder(tmp_path / "results") / "calls.parquet")
    struck = calls[(calls.query_id == "q2") & (calls["pass"] == "quality")]
    assert len(struck) == 1
    assert struck.tokens.isna().all()
    assert (calls[calls.query_id != "q2"].tokens == 7).all()
    assert evalkit("report", only_folder(tmp_path / "results")).returncode == 0
