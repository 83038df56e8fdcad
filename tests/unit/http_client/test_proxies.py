"""Which proxy a URL has."""

from __future__ import annotations

import pytest
from support.raw_server import without_proxies

from evalkit.errors import InputError
from evalkit.http_client import is_on_private_network
from evalkit.http_client.private_hosts import is_loopback
from evalkit.http_client.proxies import proxy_of

LOOPBACK = (
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.255.1.2", "127.1", "0x7f000001",
    "2130706433", "0177.0.0.1", "0.0.0.0", "0", "::1", "[::1]", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0",  # noqa: S104
)  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK)
def test_this_machine_is_known_in_every_notation(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, even one that could not be used."""
    assert is_loopback(host)
    assert is_on_private_network(host)
    without_proxies(monkeypatch, ALL_PROXY="ftp://proxy.invalid", HTTP_PROXY="http://proxy.invalid")
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    assert proxy_of(f"http://{shown}:8000/v1") is None
    assert proxy_of(f"https://{shown}/v1") is None


def test_the_variable_of_the_scheme_comes_before_that_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY for http, HTTPS_PROXY for https, ALL_PROXY for both; a scheme may be missing."""
    without_proxies(monkeypatch, HTTP_PROXY="one.invalid:1", ALL_PROXY="http://all.invalid:2")
    assert str(getattr(proxy_of("http://a.example/"), "url", None)) == "http://one.invalid:1"
    assert str(getattr(proxy_of("https://a.example/"), "url", None)) == "http://all.invalid:2"
    without_proxies(monkeypatch)
    assert proxy_of("http://a.example/") is None


def test_a_password_is_kept_apart_from_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL of the proxy is without it; a URL that cannot be used is not in the message."""
    without_proxies(monkeypatch, HTTPS_PROXY="http://me:sesame%21@proxy.invalid:3128")
    proxy = proxy_of("https://a.example/")
    assert proxy is not None
    assert (str(proxy.url), proxy.auth) == ("http://proxy.invalid:3128", ("me", "sesame!"))
    without_proxies(monkeypatch, https_proxy="http://me:sesame@proxy.invalid:port")
    with pytest.raises(InputError, match="'https_proxy' does not contain a valid proxy URL") as raised:
        proxy_of("https://a.example/")
    assert "sesame" not in raised.value.render()
