"""Refuse what a web page of a stranger can make a browser send to a service on the user's own machine."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from evalkit.config import ServiceSettings
from evalkit.dialects import WireError

_JSON = re.compile(r"[a-z0-9.+-]+/(?:[a-z0-9.+-]+\+)?json", re.IGNORECASE)
_SENT_BY_BROWSERS = ("origin", "sec-fetch-site")
"""Headers of which browsers send one with every POST request; pages cannot change them."""
_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::[0-9]*)?")


class BrowserChecks:
    """Checks the Host, the Origin and the content type of requests.

    A browser lets any page send a request to ``127.0.0.1``, and lets a page read the replies of a server whose name it
    can point to ``127.0.0.1`` (DNS rebinding). The Host header says which name the browser believes in; the Origin
    header says whose page it is. A browser must send JSON, because a page may send other content types without being
    asked; a program may send any, as curl does by default.

    Parameters
    ----------
    hosts
        Names that the Host header may have; None for any.
    origins
        Origins of web pages other than its own that may use the service.
    """

    def __init__(self, hosts: Collection[str] | None, origins: Collection[str]) -> None:
        self._hosts = None if hosts is None else frozenset(_bare(host) for host in hosts)
        self._origins = frozenset(origin.lower() for origin in origins)

    @classmethod
    def of(cls, settings: ServiceSettings, address: str, host: str) -> BrowserChecks | None:
        """Return the checks of a service; None if it needs none.

        Parameters
        ----------
        settings
            Allowed names and origins.
        address
            The IP address on which the service listens.
        host
            The name that was given for it.
        """
        if not is_loopback(address):
            if not settings.allowed_hosts and not settings.allowed_origins:
                return None
            return cls(settings.allowed_hosts or None, settings.allowed_origins)
        return cls(("localhost", host, *settings.allowed_hosts), settings.allowed_origins)

    def check(self, headers: Headers, *, has_body: bool) -> None:
        """Check one request.

        Parameters
        ----------
        headers
            Its headers.
        has_body
            Whether its body is read.

        Raises
        ------
        WireError
            421 for the Host, 403 for the Origin, 415 for the content type.
        """
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        for host in hosts:
            if len(hosts) > 1 or not self._is_ours(host):
                raise WireError(
                    421,
                    "misdirected_request",
                    "the Host header does not name this service; service.allowed_hosts lists further names",
                )
        for origin in origins:
            if origin.lower() not in self._origins and _netloc(origin) not in map(str.lower, hosts):
                raise WireError(
                    403,
                    "origin_not_allowed",
                    "web pages of this origin may not use this service; service.allowed_origins lists those that may",
                )
        kind = headers.get("content-type", "").partition(";")[0].strip()
        if has_body and any(name in headers for name in _SENT_BY_BROWSERS) and not _JSON.fullmatch(kind):
            raise WireError(415, "unsupported_media_type", "the content type must be application/json")

    def _is_ours(self, host: str) -> bool:
        if self._hosts is None:
            return True
        name = _bare(host)
        return name in self._hosts or (
            "localhost" in self._hosts and (is_loopback(name) or name.endswith(".localhost"))
        )


def is_loopback(address: str) -> bool:
    """Return whether a text is an IP address of this machine alone."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def _netloc(origin: str) -> str:
    """Return host and port of an origin as a Host header has them; empty if it has none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _bare(host: str) -> str:
    """Return the name in a Host header: in lower case, without port, brackets and final dot."""
    found = _HOST.fullmatch(host.strip())
    name = found[1] if found else host
    return name.strip("[]").rstrip(".").lower()
