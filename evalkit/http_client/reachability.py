"""Find out within seconds whether a server can be reached, before a library retries for minutes."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from evalkit.errors import InputError
from evalkit.http_client.proxies import default_port, proxy_of

HUB = "https://huggingface.co"
_TIMEOUT_S = 3.0
_KEPT_S = 60.0
"""How long an answer is kept: the tables of one dataset are several requests."""


@contextmanager
def hub_access() -> Iterator[str | None]:
    """Have the libraries of the Hugging Face hub use their caches alone, without retries, if it cannot be reached.

    Yields
    ------
    str or None
        Why the hub cannot be reached; None if it can.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        yield "HF_HUB_OFFLINE is set"
        return
    address = os.environ.get("HF_ENDPOINT") or HUB
    reason = why_unreachable(address)
    if reason is None:
        yield None
        return
    settings: list[Any] = [
        constants,
        *(sys.modules[name] for name in ("datasets.config",) if name in sys.modules),
    ]
    before = [module.HF_HUB_OFFLINE for module in settings]
    try:
        for module in settings:
            module.HF_HUB_OFFLINE = True
        yield f"{_shown(address)} cannot be reached ({reason})"
    finally:
        for module, value in zip(settings, before, strict=True):
            module.HF_HUB_OFFLINE = value


def _shown(address: str) -> str:
    """Return an address for messages, without user, password and query, which may be secret."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def why_unreachable(address: str) -> str | None:
    """Return why a server, or the proxy in front of it, does not accept connections; None if it does."""
    try:
        proxy = proxy_of(address)
        parts = urlsplit(str(proxy.url) if proxy else address)
        port = parts.port or default_port(parts.scheme)
    except InputError as error:
        return error.message
    except ValueError:
        return "not a valid address"
    return _probe(parts.hostname or "", port, int(time.monotonic() / _KEPT_S))


@lru_cache(maxsize=16)
def _probe(host: str, port: int, _minute: int) -> str | None:
    """Return why a host does not accept connections on a port; None if it does."""
    found: list[str | None] = ["timeout"]
    # Looking up a name has no timeout of its own, so a thread does it.
    thread = threading.Thread(target=_connect, args=(host, port, found), daemon=True)
    thread.start()
    thread.join(2 * _TIMEOUT_S)
    return found[-1]


def _connect(host: str, port: int, found: list[str | None]) -> None:
    """Append why the host cannot be reached, or None."""
    try:
        socket.create_connection((host, port), timeout=_TIMEOUT_S).close()
    except (OSError, ValueError) as error:  # ValueError: of a name that no host can have
        strerror = error.strerror if isinstance(error, OSError) else None
        found.append("timeout" if isinstance(error, TimeoutError) else strerror or str(error))
    else:
        found.append(None)
