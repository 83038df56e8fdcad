"""The transport of httpx over `BoundedStream`: directly, or through the proxy that the environment names."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import httpcore
import httpx

from evalkit.errors import InputError
from evalkit.http_client.bounded_network import BoundedBackend, ExchangeLimits
from evalkit.http_client.direct_client import KEEP_IDLE_S
from evalkit.http_client.proxies import proxy_of


class BoundedTransport(httpx.BaseTransport):
    """Connections of one thread through a proxy, for `httpx.Client`; every step of an exchange obeys `limits`.

    Parameters
    ----------
    context
        TLS settings; None if no address needs TLS.
    limits
        Limits of the exchange; the caller of a request starts them.
    """

    def __init__(self, context: ssl.SSLContext | None, limits: ExchangeLimits) -> None:
        self._context = context
        self._backend = BoundedBackend(limits)
        self._pools: dict[tuple[str, str, int | None], httpcore.ConnectionPool] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its response, whose body is not read yet."""
        url = request.url
        with errors_of_httpx():
            response = self._pool(url).handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(cast("Iterable[bytes]", response.stream)),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()

    def _pool(self, url: httpx.URL) -> httpcore.ConnectionPool:
        origin = (url.scheme, url.host, url.port)
        if origin not in self._pools:
            self._pools[origin] = self._open_pool(proxy_of(str(url)))
        return self._pools[origin]

    def _open_pool(self, proxy: httpx.Proxy | None) -> httpcore.ConnectionPool:
        common: dict[str, Any] = {
            "ssl_context": self._context,
            "keepalive_expiry": KEEP_IDLE_S,
            "network_backend": self._backend,
        }
        if proxy is None:
            return httpcore.ConnectionPool(**common)
        address = proxy.url
        common |= {
            "proxy_url": httpcore.URL(
                scheme=address.raw_scheme, host=address.raw_host, port=address.port, target=address.raw_path
            ),
            "proxy_auth": proxy.raw_auth,
        }
        if address.scheme.startswith("socks"):
            return httpcore.SOCKSProxy(**common)
        return httpcore.HTTPProxy(
            proxy_ssl_context=self._context if address.scheme == "https" else None, **common
        )


def tls_context(url: str) -> ssl.SSLContext | None:
    """Return TLS settings if a URL, or the proxy in front of it, needs them.

    Raises
    ------
    InputError
        If ``SSL_CERT_FILE`` or ``SSL_CERT_DIR`` names no readable certificates, or the proxy cannot be used.
    """
    proxy = proxy_of(url)
    if not url.startswith("https:") and (proxy is None or proxy.url.scheme != "https"):
        return None
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        name = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), None)
        if name is None:
            raise
        reason = error.strerror or str(error)
        raise InputError(
            f"the environment variable {name!r} names no readable certificates: {os.environ[name]!r} ({reason})",
            f"set {name} to certificates in PEM format, or unset it",
        ) from None


class _Body(httpx.SyncByteStream):
    """The body of a response, with the errors of httpx."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with errors_of_httpx():
            yield from self._stream

    def close(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


_ERRORS: tuple[tuple[type[Exception], type[httpx.RequestError]], ...] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.TimeoutException, httpx.ReadTimeout),
    (httpcore.ProxyError, httpx.ProxyError),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol),
    (httpcore.NetworkError, httpx.ReadError),
    (httpcore.ProtocolError, httpx.RemoteProtocolError),
)


@contextmanager
def errors_of_httpx() -> Iterator[None]:
    """Raise the errors of httpcore as those of httpx."""
    try:
        yield
    except tuple(core for core, _ in _ERRORS) as error:
        kind = next(ours for core, ours in _ERRORS if isinstance(error, core))
        raise kind(str(error)) from error
