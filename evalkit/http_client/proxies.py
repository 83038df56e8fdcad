"""Which proxy a request goes through: the environment's, and none for addresses of this machine."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from evalkit.errors import InputError
from evalkit.http_client.private_hosts import is_loopback

if TYPE_CHECKING:
    import httpx

_SCHEMES = ("http", "https", "socks5", "socks5h")


def proxy_of(url: str) -> httpx.Proxy | None:
    """Return the proxy for a URL, as ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` say.

    Texts and keys that stay on this machine are sent to no proxy: there is none for loopback addresses.

    Raises
    ------
    InputError
        If the environment names a proxy that cannot be used. The message holds no part of the proxy's URL but its
        scheme, because the URL may contain a password.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host):
        return None
    proxies = getproxies()
    name = next((name for name in (parts.scheme, "all") if proxies.get(name)), None)
    if name is None or _is_excepted(parts, proxies.get("no", "")):
        return None
    variables = (f"{name}_proxy", f"{name.upper()}_PROXY")
    return _checked_proxy(proxies[name], next((v for v in variables if os.environ.get(v)), variables[1]))


def proxy_keys(url: str) -> tuple[str, ...]:
    """Return the password of the proxy for a URL, and user and password together; nothing if it has none."""
    proxy = proxy_of(url)
    if proxy is None or proxy.auth is None:
        return ()
    user, password = proxy.auth
    return f"{user}:{password}", password


def default_port(scheme: str) -> int:
    """Return the port of a scheme."""
    return 443 if scheme == "https" else 80


def _is_excepted(parts: SplitResult, no_proxy: str) -> bool:
    """Return whether ``NO_PROXY`` names a host: as a name, with its port, with its scheme, or by ``*``."""
    host = parts.hostname or ""
    notations = (host, f"{host}:{parts.port or default_port(parts.scheme)}", f"{parts.scheme}://{host}")
    return "*" in map(str.strip, no_proxy.split(",")) or any(map(proxy_bypass, notations))


def _checked_proxy(given: str, variable: str) -> httpx.Proxy:
    """Return a proxy; raise `InputError` if it cannot be used."""
    import httpx

    address = given.strip()
    scheme, separator, _ = address.partition("://")
    scheme = scheme.lower() if separator else "http"
    hint = f"set {variable} to http://HOST:PORT, or unset it"
    if scheme not in _SCHEMES:
        raise InputError(
            f"the environment variable {variable!r} names a proxy with the scheme {scheme[:20]!r},"
            f" not one of {', '.join(_SCHEMES)}",
            hint,
        )
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise InputError(
            f"the environment variable {variable!r} names a SOCKS proxy, which needs the package socksio",
            f"run pip install socksio, or unset {variable}",
        )
    try:
        proxy = httpx.Proxy(address if separator else f"http://{address}")
        valid = bool(proxy.url.host) and 0 < (proxy.url.port or 80) < 65536
    except (httpx.InvalidURL, ValueError):
        valid = False
    if not valid:
        raise InputError(f"the environment variable {variable!r} does not contain a valid proxy URL", hint)
    return proxy
