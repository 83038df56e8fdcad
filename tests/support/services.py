"""Services in this process, over backends that misbehave, wait, or count."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import anyio
import numpy as np
from httpx import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette

from evalkit.errors import CallError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind, Usage

BODY = {"model": "m", "query": "q", "documents": ["a", "bb"]}


class Scripted:
    """A backend that answers with what it is given, or raises it."""

    pointwise = True
    score_kind: ScoreKind = "logit"

    def __init__(self, answer: list[float] | Exception) -> None:
        self._answer = answer

    def score(self, _request: RerankRequest) -> RerankResponse:
        """Answer."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return RerankResponse(np.array(self._answer, dtype=np.float64))

    def close(self) -> None:
        """Do nothing."""


class Lengths:
    """Scores a document by its length, many requests at once; waits for leave, and writes down what it was asked."""

    pointwise = True
    score_kind: ScoreKind = "unbounded"
    pool_pairs = 2048  # batches of 64

    def __init__(self) -> None:
        self.leave = threading.Event()
        self.leave.set()
        self.batches: list[list[RerankRequest]] = []

    def score(self, request: RerankRequest) -> RerankResponse:
        """Score one request."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Score several; one with the query ``bad`` fails them all."""
        self.batches.append(list(requests))
        assert self.leave.wait(20)
        if any(request.query == "bad" for request in requests):
            raise CallError("backend", "a bad query")
        return [
            RerankResponse(
                np.array([float(len(d)) for d in r.documents]), usage=Usage(tokens=len(r.documents))
            )
            for r in requests
        ]

    def close(self) -> None:
        """Do nothing."""


@contextmanager
def held(lengths: Lengths) -> Iterator[None]:
    """Let no batch end within."""
    lengths.leave.clear()
    try:
        yield
    finally:
        lengths.leave.set()


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something to happen."""
    with anyio.fail_after(20):
        while not happened():  # noqa: ASYNC110 - it happens in another thread
            await anyio.sleep(0.001)


def waiting(app: Starlette) -> int:
    """Return the pairs that wait for the model."""
    pairs: int = app.state.models.choose("m")[0].waiting_pairs
    return pairs


def asking(app: Starlette, questions: Callable[[AsyncClient], Awaitable[Any]]) -> Any:
    """Ask an application, and return what comes of it."""

    async def ask() -> Any:
        """Ask over ASGI."""
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            return await questions(client)

    return anyio.run(ask)


def post(app: Starlette, body: Any, path: str = "/v1/rerank", **more: Any) -> Response:
    """Post one body."""

    async def one(client: AsyncClient) -> Response:
        """Send one request."""
        return await client.post(path, json=body, **more)

    reply: Response = asking(app, one)
    return reply


def get(app: Starlette, path: str) -> Response:
    """Get a page."""

    async def one(client: AsyncClient) -> Response:
        """Send one request."""
        return await client.get(path)

    reply: Response = asking(app, one)
    return reply
