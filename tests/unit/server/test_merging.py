"""Requests that wait for a model: merged, refused, dropped, and never lost."""

from __future__ import annotations

import math
from typing import Any

import anyio
import orjson
import pytest
from httpx import AsyncClient, Response
from support.services import BODY, Lengths, asking, get, held, until, waiting

from evalkit.config import ServiceSettings
from evalkit.server.app import build_app
from evalkit.server.merging import Batcher


def test_requests_that_wait_are_scored_together() -> None:
    """While one batch is under way, the next ones gather: they are one batch, and each has its own scores."""
    lengths = Lengths()
    app = build_app({"m": lengths})

    async def several(client: AsyncClient) -> list[Response]:
        """Send several at once."""
        replies: list[Response] = []

        async def one(documents: list[str]) -> None:
            """Send one request."""
            replies.append(await client.post("/v1/rerank", json={**BODY, "documents": documents}))

        async with anyio.create_task_group() as group:
            with held(lengths):
                group.start_soon(one, ["first"])
                await until(lambda: bool(lengths.batches))
                for n in range(1, 6):
                    group.start_soon(one, ["x" * (n + i) for i in range(n)])
                await until(lambda: waiting(app) == 15)
        return replies

    replies = asking(app, several)
    assert len(lengths.batches) < 6
    assert all(reply.status_code == 200 for reply in replies)
    for reply in replies:
        results = reply.json()["results"]
        assert reply.json()["usage"]["total_tokens"] == len(results)
        lengths_seen = [r["relevance_score"] for r in sorted(results, key=lambda r: r["index"])]
        assert lengths_seen == sorted(lengths_seen)


def test_without_merging_every_request_is_a_batch_of_its_own() -> None:
    """``merging: false`` gives the backend whole requests, one at a time."""
    lengths = Lengths()
    app = build_app({"m": lengths}, settings=ServiceSettings(merging=False))

    async def several(client: AsyncClient) -> None:
        """Send several at once."""
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(lambda: client.post("/v1/rerank", json={**BODY, "documents": ["a"] * 40}))

    asking(app, several)
    assert [[len(r.documents) for r in batch] for batch in lengths.batches] == [[40]] * 5


def test_a_bad_request_does_not_spoil_its_batch() -> None:
    """Where a batch fails, each of its requests is tried by itself."""
    lengths = Lengths()
    app = build_app({"m": lengths})

    async def both(client: AsyncClient) -> dict[str, int]:
        """Send a good and a bad request behind another."""
        statuses = {}

        async def one(query: str) -> None:
            """Send one request."""
            reply = await client.post("/v1/rerank", json={**BODY, "query": query})
            statuses[query] = reply.status_code

        async with anyio.create_task_group() as group:
            with held(lengths):
                group.start_soon(one, "first")
                await until(lambda: bool(lengths.batches))
                group.start_soon(one, "bad")
                group.start_soon(one, "good")
                await until(lambda: waiting(app) == 4)
        return statuses

    assert asking(app, both) == {"first": 200, "bad": 500, "good": 200}
    assert sorted(r.query for r in lengths.batches[1]) == ["bad", "good"]


def test_a_full_queue_refuses_and_recovers() -> None:
    """Beyond ``max_waiting_pairs`` a request is 429 with the time to wait; later ones are served again."""
    lengths = Lengths()
    app = build_app({"m": lengths}, settings=ServiceSettings(max_waiting_pairs=4))

    async def many(client: AsyncClient) -> list[Response]:
        """Send more than there is room for."""
        replies: list[Response] = []

        async def one() -> None:
            """Send one request."""
            replies.append(await client.post("/v1/rerank", json=BODY))

        async with anyio.create_task_group() as group:
            with held(lengths):
                group.start_soon(one)
                await until(lambda: bool(lengths.batches))
                for _ in range(6):
                    group.start_soon(one)
                await until(lambda: len(replies) == 4)
        replies.append(await client.post("/v1/rerank", json=BODY))
        return replies

    replies = asking(app, many)
    refused = [reply for reply in replies if reply.status_code == 429]
    assert [reply.status_code for reply in replies].count(200) == 4
    assert len(refused) == 4
    assert replies[-1].status_code == 200
    for reply in refused:
        assert reply.json()["error"]["type"] == "rate_limit_error"
        assert int(reply.headers["retry-after"]) >= 1


def test_a_request_whose_client_left_is_dropped() -> None:
    """It waits no longer, is never scored, and counts as cancelled; the one under way is answered."""
    lengths = Lengths()
    app = build_app({"m": lengths})

    async def leave(client: AsyncClient) -> Response:
        """Ask behind another request, and hang up before the answer."""
        replies: list[Response] = []

        async def first() -> None:
            """Keep the model busy."""
            replies.append(await client.post("/v1/rerank", json=BODY))

        gone = anyio.Event()
        body = orjson.dumps({**BODY, "query": "left alone"})

        async def receive() -> dict[str, Any]:
            """Give the body, then nothing until the client leaves."""
            nonlocal body
            if body:
                sent, body = body, b""
                return {"type": "http.request", "body": sent, "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(_message: Any) -> None:
            """No one listens."""

        scope = {"type": "http", "method": "POST", "path": "/v1/rerank", "headers": [], "query_string": b""}
        async with anyio.create_task_group() as group:
            with held(lengths):
                group.start_soon(first)
                await until(lambda: bool(lengths.batches))
                group.start_soon(app, scope, receive, send)
                await until(lambda: waiting(app) == 2)
                gone.set()
                await until(lambda: waiting(app) == 0)
        return replies[0]

    assert asking(app, leave).status_code == 200
    assert [request.query for batch in lengths.batches for request in batch] == ["q"]
    assert "evalkit_requests_cancelled_total 1.0" in get(app, "/metrics").text


def test_small_batches_do_not_make_a_model_look_slow() -> None:
    """Only batches that are half full say how long a queue takes; what is unknown refuses no one."""
    batcher = Batcher(Lengths(), ServiceSettings(), lambda _pairs, _seconds: None)
    assert batcher.wait_s() == 0
    batcher._learn(1, 5.0)
    assert batcher._pairs_per_s == math.inf
    batcher._learn(64, 1000.0)
    for _ in range(100):
        batcher._learn(1, 5.0)
    assert batcher._pairs_per_s == 1000.0
    batcher._learn(1, 1500.0)
    assert batcher._pairs_per_s == 1500.0
    for _ in range(200):
        batcher._learn(40, 100.0)
    assert batcher._pairs_per_s == pytest.approx(100.0, rel=0.01)
    batcher.close()


def test_pairs_are_scored_in_the_batches_of_all_requests() -> None:
    """Texts against as many texts are one request with one score each, in input order, whatever other requests wait."""
    lengths = Lengths()
    app = build_app({"m": lengths})
    body = {"model": "m", "text_1": ["p", "p", "q"], "text_2": ["a", "bbb", "cc"]}

    async def several(client: AsyncClient) -> list[Response]:
        """Send pairs and a list at once."""
        replies: list[Response] = []

        async def one(path: str, sent: dict[str, Any]) -> None:
            """Send one request."""
            replies.append(await client.post(path, json=sent))

        async with anyio.create_task_group() as group:
            with held(lengths):
                group.start_soon(one, "/v1/rerank", BODY)
                await until(lambda: bool(lengths.batches))
                group.start_soon(one, "/score", body)
                group.start_soon(one, "/v1/rerank", BODY)
                await until(lambda: waiting(app) == 5)
        return replies

    replies = {str(reply.url.path): reply for reply in asking(app, several)}
    scores = [one["score"] for one in replies["/score"].json()["data"]]
    assert [one["index"] for one in replies["/score"].json()["data"]] == [0, 1, 2]
    assert scores[0] < scores[2] < scores[1]
    asked = [(r.query, r.documents) for batch in lengths.batches for r in batch]
    assert len(lengths.batches) == 2
    assert {("p", ("a", "bbb")), ("q", ("cc",))} <= set(asked)
