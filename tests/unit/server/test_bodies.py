"""Request bodies that are too long or do not come."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
from httpx import AsyncClient, Response
from support.services import BODY, Lengths, asking, post

from evalkit.config import ServiceSettings
from evalkit.server.app import build_app


def test_a_body_beyond_the_limit_is_not_read() -> None:
    """By its declared length, or as soon as it is longer where none is declared: 413."""
    app = build_app({"m": Lengths()}, settings=ServiceSettings(max_body_bytes=100))
    declared = post(app, {**BODY, "query": "x" * 200})
    assert (declared.status_code, declared.json()["error"]["code"]) == (413, "request_too_large")

    async def endless(client: AsyncClient) -> Response:
        """Send a body of unknown length."""

        async def parts() -> AsyncIterator[bytes]:
            """Yield parts of a body."""
            for _ in range(50):
                yield b"x" * 10

        return await client.post("/v1/rerank", content=parts())

    assert asking(app, endless).status_code == 413


def test_a_body_that_does_not_come_is_408() -> None:
    """A client that stops sending holds nothing up for ever."""
    app = build_app({"m": Lengths()}, settings=ServiceSettings(body_timeout_s=0.05))

    async def slow(client: AsyncClient) -> Response:
        """Send half a body."""

        async def parts() -> AsyncIterator[bytes]:
            """Yield parts of a body."""
            yield b"{"
            await anyio.sleep(5)

        return await client.post("/v1/rerank", content=parts())

    assert asking(app, slow).status_code == 408
