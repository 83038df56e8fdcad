"""What stays on this machine goes through no proxy, and a proxy that cannot be used is named without its password."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import evalkit, evalkit_process
from support.raw_server import certificate, raw_server, without_proxies
from support.stand_in import by_length, stand_in

from evalkit.errors import CallError
from evalkit.http_client import Connections, Redactor

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]

CONFIG = """\
name: proxied
datasets: [{{source: beir_folder, path: {folder}}}]
retriever: {{depth: 5}}
rerankers:
  api: {{backend: http, {where}, retries: 0, timeout_s: 5}}
metrics: [nDCG@10]
"""
PASSWORD = "s3cretPassw0rd"


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """Run a proxy that refuses all; yield its address and what it received."""
    received: list[bytes] = []

    def refuse(line: socket.socket) -> None:
        received.append(line.recv(65536))
        line.sendall(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with raw_server(refuse) as port:
        yield f"http://127.0.0.1:{port}", received


def write_config(tmp_path: Path, folder: Path, where: str) -> Path:
    """Write a configuration with one reranker."""
    config = tmp_path / "c.yaml"
    config.write_text(CONFIG.format(folder=folder, where=where), encoding="utf-8")
    return config


@pytest.mark.attack("client", "HTTP_PROXY and ALL_PROXY set, the server on this machine")
def test_no_text_and_no_key_for_this_machine_goes_to_a_proxy(
    proxy: tuple[str, list[bytes]], tmp_path: Path, beir_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever proxy is set: a url on loopback is called directly."""
    address, received = proxy
    without_proxies(monkeypatch, HTTP_PROXY=address, all_proxy=address, PROXIED_KEY="sk-live-0123456789")
    with stand_in(by_length) as url:
        for host in ("localhost", "127.1"):
            where = f"url: '{url.replace('127.0.0.1', host)}', model: m, api_key_env: PROXIED_KEY"
            done = evalkit("run", write_config(tmp_path, beir_folder, where), "--into", tmp_path / host)
            assert done.returncode == 0, done.stderr
    assert received == []


@pytest.mark.attack("client", "HTTP_PROXY set, a serve: block")
def test_a_served_block_is_called_directly(
    proxy: tuple[str, list[bytes]], tmp_path: Path, beir_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service that a run starts is on this machine."""
    address, received = proxy
    config = write_config(tmp_path, beir_folder, "serve: {backend: lexical}")
    without_proxies(monkeypatch, HTTP_PROXY=address)
    done = evalkit_process("run", config, "--into", tmp_path / "r")
    assert done.returncode == 0, done.stderr
    assert received == []


def test_another_machine_is_reached_through_the_proxy_unless_it_is_excepted(
    proxy: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY and NO_PROXY count for all hosts but this machine; the proxy's password is in no message."""
    address, received = proxy
    credentials = address.replace("//", f"//user:{PASSWORD}@")
    without_proxies(monkeypatch, HTTP_PROXY=credentials)
    connections = Connections("http://rerank.invalid/v1", {}, 5.0, 5.0, Redactor())
    assert connections.post(b"{}").status == 502
    connections.close()
    assert received[0].startswith(b"POST http://rerank.invalid/v1 HTTP/1.1")
    assert b"Proxy-Authorization: Basic " in received[0]
    for excepted in ("rerank.invalid", "a.example, .invalid", "*", "rerank.invalid:80"):
        without_proxies(monkeypatch, HTTP_PROXY=credentials, NO_PROXY=excepted)
        connections = Connections("http://rerank.invalid/v1", {}, 5.0, 5.0, Redactor())
        with pytest.raises(CallError, match="cannot reach http://rerank") as raised:
            connections.post(b"{}")
        connections.close()
        assert PASSWORD not in str(raised.value)
    assert len(received) == 1


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the server, which was never asked."""
    without_proxies(monkeypatch, HTTP_PROXY="http://127.0.0.1:9")
    connections = Connections("http://rerank.invalid/v1", {}, 5.0, 5.0, Redactor())
    with pytest.raises(
        CallError, match=r"through the proxy 127\.0\.0\.1 that the environment names"
    ) as raised:
        connections.post(b"{}")
    connections.close()
    assert "HTTP_PROXY" in str(raised.value.hint)


def test_what_a_proxy_echoes_of_its_password_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a status line of CONNECT, and in a reply."""

    def echo(line: socket.socket) -> None:
        request = line.recv(65536)
        sent = request.partition(b"Basic ")[2].partition(b"\r\n")[0]
        body = b"%s %s" % (PASSWORD.encode(), sent)
        line.sendall(
            b"HTTP/1.1 407 No %s\r\nContent-Length: %d\r\n\r\n%s" % (PASSWORD.encode(), len(body), body)
        )

    with raw_server(echo) as port:
        address = f"http://user:{PASSWORD}@127.0.0.1:{port}"
        without_proxies(monkeypatch, HTTP_PROXY=address, HTTPS_PROXY=address)
        plain = Connections("http://rerank.invalid/", {}, 5.0, 5.0, Redactor())
        assert plain.post(b"{}").content == b"[key] [key]"
        tunnel = Connections("https://rerank.invalid/", {}, 5.0, 5.0, Redactor())
        with pytest.raises(CallError, match=r"407 No \[key\]"):
            tunnel.post(b"{}")
        plain.close()
        tunnel.close()


@pytest.mark.attack("client", "a proxy or certificates that cannot be used: socks5, ftp, garbage")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", f"socks5://u:{PASSWORD}@127.0.0.1:1080"),
        ("all_proxy", "socks5h://127.0.0.1:1080"),
        ("HTTPS_PROXY", f"ftp://u:{PASSWORD}@127.0.0.1:1"),
        ("HTTPS_PROXY", "::::not a proxy"),
        ("https_proxy", f"http://u:{PASSWORD}@127.0.0.1:99999"),
        ("HTTPS_PROXY", f"http://u:{PASSWORD}@127.0.0.1:port"),
        ("HTTPS_PROXY", f"http://u:{PASSWORD}@"),
        ("HTTPS_PROXY", f"http://u:{PASSWORD}@[::1"),
        ("SSL_CERT_FILE", "/nonexistent.pem"),
        ("SSL_CERT_FILE", "GARBAGE"),
    ],
)
def test_what_cannot_be_used_is_named_before_anything_runs(
    name: str, value: str, tmp_path: Path, beir_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, one line with the variable and a hint; its password is not in it, and no folder is made."""
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate\n", encoding="utf-8")
    without_proxies(monkeypatch, **{name: value.replace("GARBAGE", str(garbage))})
    config = write_config(tmp_path, beir_folder, "url: 'https://rerank.invalid/v1/rerank', model: m")
    done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 2, done.stderr
    assert f"error: the environment variable '{name}'" in done.stderr
    assert "  hint: " in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert not list(tmp_path.rglob("manifest.json"))


def test_an_environment_that_is_not_needed_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain url on this machine needs neither proxy nor certificates."""
    without_proxies(monkeypatch, ALL_PROXY="socks5://127.0.0.1:1", SSL_CERT_FILE="/nonexistent.pem")
    with stand_in(lambda *_: (200, b"{}")) as url:
        connections = Connections(url, {}, 5.0, 5.0, Redactor())
        assert connections.post(b"{}").status == 200
        connections.close()


@pytest.mark.attack("client", "self-signed TLS; https to a plain port; http to a TLS port")
def test_a_failed_handshake_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates that are not known, and the wrong scheme in both directions."""
    import ssl

    without_proxies(monkeypatch)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    crt, key = certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)

    def server(line: socket.socket) -> None:
        with context.wrap_socket(line, server_side=True) as tls:
            received = tls.recv(65536)
            while received and not received.endswith(b"{}"):  # the body may come by itself
                received = tls.recv(65536)
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    def error_of(url: str) -> CallError:
        connections = Connections(url, {}, 5.0, 5.0, Redactor())
        with pytest.raises(CallError) as raised:
            connections.post(b"{}")
        connections.close()
        return raised.value

    def alert(line: socket.socket) -> None:
        line.recv(65536)
        line.sendall(b"\x15\x03\x01\x00\x02\x02\x46")

    with (
        raw_server(server) as port,
        raw_server(alert) as tls_port,
        stand_in(lambda *_: (200, b"{}")) as plain,
    ):
        unknown = error_of(f"https://localhost:{port}/")
        assert "SSL_CERT_FILE" in str(unknown.hint)
        assert not unknown.remedy.transient
        assert "write http:// instead" in str(error_of(plain.replace("http:", "https:")).hint)
        assert "write https:// instead" in str(error_of(f"http://localhost:{tls_port}/").hint)
        monkeypatch.setenv("SSL_CERT_FILE", str(crt))
        connections = Connections(f"https://localhost:{port}/", {}, 5.0, 5.0, Redactor())
        assert connections.post(b"{}").content == b"{}"
        connections.close()
