"""Read and parse request bodies, within limits of size and time."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from evalkit.config import ServiceSettings
from evalkit.dialects import WireError
from evalkit.server.body_budget import BodyBudget, HeldBody, no_room


async def read_body(
    request: Request, settings: ServiceSettings, budget: BodyBudget, held: HeldBody
) -> bytes | None:
    """Return a whole body; None if the client has disconnected.

    Parameters
    ----------
    request
        Its body has not been read yet.
    settings
        Maximum size and duration.
    budget, held
        The limit of all bodies, and where this one is counted.

    Raises
    ------
    WireError
        413, if the body is too large, raised before reading if the request declares its size; 408, if reading takes
        too long; 415, if it is compressed; 503, if all bodies together are too large.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
        raise WireError(415, "unsupported_encoding", "the request body must not be compressed")
    max_bytes, timeout_s = settings.max_body_bytes, settings.body_timeout_s
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout_s) as held.limit:
            async for part in request.stream():
                size += len(part)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                budget.grow(held, len(part))
                parts.append(part)
    except TimeoutError:
        if held.is_rejected:
            raise no_room() from None
        raise WireError(
            408, "request_timeout", f"the request body did not arrive within {timeout_s:g} s"
        ) from None
    except ClientDisconnect:
        return None
    finally:
        held.limit = None
    return b"".join(parts)


def parse_json(body: bytes, status: int) -> Any:
    """Return the JSON of a body.

    Raises
    ------
    WireError
        With the given status, if the body is not JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise WireError(status, "invalid_request", f"the request body is not valid JSON: {error}") from None


def _too_large(max_bytes: int) -> WireError:
    return WireError(413, "request_too_large", f"the request body is larger than {max_bytes} bytes")
