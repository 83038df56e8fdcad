"""Bodies of requests: within limits of size and time, or refused."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from evalkit.dialects import WireError


async def read_body(request: Request, most_bytes: int, timeout_s: float) -> bytes | None:
    """Return a whole body; None where its client is gone.

    Raises
    ------
    WireError
        413, if it is larger than that: told before it is read where the request says how large it is. 408, if it
        takes longer than that.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most_bytes:
        raise _too_large(most_bytes)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout_s):
            async for part in request.stream():
                size += len(part)
                if size > most_bytes:
                    raise _too_large(most_bytes)
                parts.append(part)
    except TimeoutError:
        raise WireError(
            408, "request_timeout", f"the request was not complete within {timeout_s:g} s"
        ) from None
    except ClientDisconnect:
        return None
    return b"".join(parts)


def parse(body: bytes, status: int) -> Any:
    """Return the JSON of a body.

    Raises
    ------
    WireError
        If it is none, with the status of a bad request.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise WireError(status, "invalid_request", f"the body is not JSON: {error}") from None


def _too_large(most_bytes: int) -> WireError:
    return WireError(413, "request_too_large", f"the body is larger than {most_bytes} bytes")
