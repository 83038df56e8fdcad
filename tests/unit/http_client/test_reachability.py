"""Whether a server can be reached, and what the libraries of the hub are told if not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from huggingface_hub import constants

from evalkit.http_client import hub_access, why_unreachable
from evalkit.http_client import reachability as module


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget earlier answers, and the proxies of this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    module._probe.cache_clear()
    yield
    module._probe.cache_clear()


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port on which connections are accepted."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """Return a port on which they are refused."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_server_is_reached_or_the_reason_is_given(
    port: int, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connected, refused, unknown name, no answer."""
    assert why_unreachable(f"http://127.0.0.1:{port}") is None
    assert why_unreachable(f"http://127.0.0.1:{closed_port}") == "Connection refused"

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    def slow(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", unknown)
    assert why_unreachable("https://a.invalid") == "Name or service not known"
    monkeypatch.setattr(socket, "create_connection", slow)
    assert why_unreachable("https://b.invalid") == "timeout"


def test_a_name_that_is_not_resolved_in_time_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search for a name has no timeout of its own."""
    monkeypatch.setattr(module, "_connect", lambda *_: None)
    assert why_unreachable("https://c.invalid") == "timeout"


def test_a_proxy_is_what_must_be_reached(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names one for the address; with or without a scheme."""
    for proxy in (f"http://127.0.0.1:{port}", f"127.0.0.1:{port}"):
        monkeypatch.setenv("https_proxy", proxy)
        module._probe.cache_clear()
        assert why_unreachable("https://d.invalid") is None
    monkeypatch.setenv("no_proxy", "d.invalid")
    monkeypatch.setattr(module, "_connect", lambda *_: None)
    assert why_unreachable("https://d.invalid") is not None


def test_the_hub_is_offline_while_it_cannot_be_reached(
    port: int, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only then; a user's own choice to be offline is the reason without a connection."""
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with hub_access() as reason:
        assert (reason, constants.HF_HUB_OFFLINE) == (None, False)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    with hub_access() as reason:
        assert reason == f"http://127.0.0.1:{closed_port} cannot be reached (Connection refused)"
        assert constants.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with hub_access() as reason:
        assert reason == "HF_HUB_OFFLINE is set"


def test_an_address_with_a_password_is_shown_without_it(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirror of the hub may need one; the reason is shown to the user."""
    monkeypatch.setenv("HF_ENDPOINT", f"http://me:sesame@127.0.0.1:{closed_port}/hub?token=sesame")
    with hub_access() as reason:
        assert reason == f"http://127.0.0.1:{closed_port}/hub cannot be reached (Connection refused)"


def test_an_address_or_a_proxy_that_is_none_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not an error: the caches may have what is needed."""
    assert why_unreachable("http://a.invalid:port") == "not a valid address"
    monkeypatch.setenv("https_proxy", "ftp://proxy.invalid")
    assert "names a proxy with the scheme 'ftp'" in str(why_unreachable("https://a.invalid"))
