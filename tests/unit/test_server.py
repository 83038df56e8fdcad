"""The service in this process, over backends that misbehave, wait, or count."""

from __future__ import annotations

import math
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import numpy as np
import orjson
import pytest
from httpx import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette

from evalkit import registry
from evalkit.config import ServiceSettings
from evalkit.dialects import WireRequest
from evalkit.errors import MAY_PASS, CallError, ConfigError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind, Usage
from evalkit.server.app import build_app
from evalkit.server.batching import Batcher
from evalkit.server.routes import dialects_by_path

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


@pytest.mark.parametrize(
    "answer", [[1.0, np.nan], [np.inf, 1.0], [1.0], CallError("backend", "no"), KeyError("x")]
)
def test_a_backends_failure_is_never_served_as_a_score(answer: list[float] | Exception) -> None:
    """NaN, infinity, too few scores or an exception of the backend are 500 in the API's words, never 200."""
    reply = post(build_app({"m": Scripted(answer)}), BODY)
    error = reply.json()["error"]
    assert (reply.status_code, error["type"], error["code"]) == (500, "server_error", "server_error")


def test_a_backend_that_may_recover_is_unavailable() -> None:
    """What may pass is 503 with the time to wait, not a fault of the server."""
    reply = post(build_app({"m": Scripted(CallError("http", "busy", remedy=MAY_PASS))}), BODY)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")


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
            """Nobody listens."""

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
    """Only batches that are half full say how long a queue takes; what is unknown refuses nobody."""
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


def test_an_answer_that_takes_too_long_is_503() -> None:
    """The client is told, and what waits of its request is dropped."""
    lengths = Lengths()
    app = build_app({"m": lengths}, settings=ServiceSettings(answer_timeout_s=0.05))
    with held(lengths):
        reply = post(app, BODY)
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "timeout")


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


def test_models_are_chosen_by_name() -> None:
    """Each reranker answers to its own name; an unknown one is 400 and names those there are."""
    app = build_app({"one": Scripted([1.0, 0.0]), "two": Scripted([0.0, 1.0])}, any_name=True)
    for name, best in (("one", 0), ("two", 1)):
        reply = post(app, {**BODY, "model": name}).json()
        assert (reply["model"], reply["results"][0]["index"]) == (name, best)
    refused = post(app, {**BODY, "model": "three"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_model")
    assert "'one', 'two'" in refused.json()["error"]["message"]
    assert [one["id"] for one in get(app, "/v1/models").json()["data"]] == ["one", "two"]
    assert get(app, "/v1/models/two").json()["id"] == "two"
    assert get(app, "/v1/models/three").status_code == 404


def test_the_only_model_may_answer_to_any_name() -> None:
    """Then the reply repeats the name it was asked by; ``any`` stands for the model's own."""
    app = build_app({"own": Scripted([1.0, 0.0])}, any_name=True)
    named = {name: post(app, {**BODY, "model": name}).json()["model"] for name in ("gpt", "own", "any")}
    assert named == {"gpt": "gpt", "own": "own", "any": "own"}
    strict = build_app({"own": Scripted([1.0, 0.0])})
    assert post(strict, {**BODY, "model": "gpt"}).status_code == 400


def test_every_reply_tells_who_it_is_for_and_how_long_it_took() -> None:
    """A request's own id comes back, unless it cannot stand in a header; times are parts of the whole."""
    app = build_app({"m": Lengths()})
    reply = post(app, BODY, headers={"X-Request-ID": "mine-1"})
    assert reply.headers["x-request-id"] == "mine-1"
    assert len(post(app, BODY, headers={"X-Request-ID": "x" * 200}).headers["x-request-id"]) == 32
    parts = dict(one.split(";dur=") for one in reply.headers["server-timing"].split(", "))
    assert (
        float(parts["queue"]) + float(parts["model"])
        <= float(parts["total"])
        == float(reply.headers["x-processing-time-ms"])
    )
    assert post(app, {}).headers["x-processing-time-ms"]


def test_clients_by_a_file_of_hashes(tmp_path: Path) -> None:
    """Each key is a client with limits of its own; a file that is wrong is told with its place."""
    import hashlib

    hashed = hashlib.sha256(b"ask_team").hexdigest()
    file = tmp_path / "keys.yaml"
    file.write_text(
        f'keys:\n  team: {{sha256: "{hashed}", requests_per_minute: 2}}\n',
        encoding="utf-8",
    )
    app = build_app({"m": Lengths()}, settings=ServiceSettings(keys_file=file))
    mine = {"Authorization": "Bearer ask_team"}
    replies = [post(app, BODY, headers=mine) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert [reply.headers["x-ratelimit-remaining-rpm"] for reply in replies] == ["1", "0", "0"]
    assert int(replies[-1].headers["retry-after"]) in range(25, 31)
    refused = post(app, BODY, headers={"Authorization": "Bearer ask_teams"})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert get(app, "/v1/models").status_code == 401
    file.write_text("keys:\n  team: {sha256: abc}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"keys\.yaml:2:18: 'sha256' must match .*64"):
        build_app({"m": Lengths()}, settings=ServiceSettings(keys_file=file))


def test_what_is_counted_is_what_was_served() -> None:
    """Prometheus reads requests, pairs and tokens by model, and refusals by status."""
    app = build_app({"m": Lengths()})
    post(app, BODY)
    post(app, {**BODY, "documents": ["a"] * 5}, path="/v2/rerank")
    post(app, {**BODY, "documents": []})
    page = get(app, "/metrics").text
    for line in (
        'evalkit_requests_total{dialect="assisters",model="m",status="200"} 1.0',
        'evalkit_requests_total{dialect="cohere_v2",model="m",status="200"} 1.0',
        'evalkit_requests_total{dialect="assisters",model="none",status="400"} 1.0',
        'evalkit_pairs_total{model="m"} 7.0',
        'evalkit_tokens_total{model="m"} 7.0',
        'evalkit_waiting_pairs{model="m"} 0.0',
    ):
        assert line in page


def test_a_service_that_is_about_to_end_says_so() -> None:
    """It is not ready, and replies send their clients elsewhere."""
    app = build_app({"m": Lengths()}, closing=lambda: True)
    assert get(app, "/health").status_code == 200
    assert get(app, "/ready").status_code == 503
    assert post(app, BODY).headers["connection"] == "close"
    assert get(build_app({"m": Lengths()}), "/ready").json() == {"status": "ready"}


@pytest.mark.parametrize("chosen", registry.names("dialect"))
def test_every_dialect_is_served_wherever_it_is_asked(chosen: str) -> None:
    """Each speaks at its own path behind its name whatever ``--dialect`` is, and at /v1/rerank where it is chosen."""
    app = build_app({"m": Lengths()}, chosen)
    dialect = registry.lookup("dialect", chosen)()
    asked = WireRequest("m", "q", ("a", "bbb"))
    body = dialect.encode_request(asked)
    paths = ["/v1/rerank"] if chosen == "generic" else ["/v1/rerank", f"/{chosen}{dialect.served_path('m')}"]
    if "{model}" in dialect.path:
        paths = paths[1:]  # the path names the model there
    for path in paths:
        reply = post(app, body, path=path)
        assert reply.status_code == 200, reply.text
        scores = dialect.decode_response(reply.json(), reply.headers, asked).scores
        assert scores[0] < scores[1]


def test_paths_that_dialects_share_are_told_apart_by_the_body() -> None:
    """At /rerank, ``texts`` are TEI's and ``documents`` Infinity's."""
    app = build_app({"m": Lengths()})
    assert isinstance(post(app, {"query": "q", "texts": ["a"]}, path="/rerank").json(), list)
    assert "results" in post(app, BODY, path="/rerank").json()


def test_raw_scores_are_the_logits() -> None:
    """Where an API gives logits, or is asked to, they are the model's own; elsewhere their sigmoid."""
    app = build_app({"m": Scripted([-3.0, 2.0])})
    raw = post(app, {"query": "q", "texts": ["a", "b"], "raw_scores": True}, path="/rerank").json()
    assert [one["score"] for one in raw] == [2.0, -3.0]
    assert 0 < post(app, {"query": "q", "texts": ["a", "b"]}, path="/rerank").json()[0]["score"] < 1
    nim = {"model": "m", "query": {"text": "q"}, "passages": [{"text": "a"}, {"text": "b"}]}
    assert [one["logit"] for one in post(app, nim, path="/v1/ranking").json()["rankings"]] == [2.0, -3.0]


@pytest.mark.parametrize("chosen", ["assisters", "voyage", "tei"])
def test_the_description_is_true_of_what_is_served(chosen: str) -> None:
    """Requests, replies and refusals of every path fit the schemas of /openapi.json."""
    app = build_app({"m": Lengths()}, chosen)
    described = get(app, "/openapi.json").json()
    for path, names in dialects_by_path(chosen).items():
        operation = described["paths"][path]["post"]
        accepted = operation["requestBody"]["content"]["application/json"]["schema"]
        for name in names:
            dialect = registry.lookup("dialect", name)()
            for top_n in (None, 1):
                body = dialect.encode_request(WireRequest("m", "q", ("a", "bb"), top_n))
                jsonschema.validate(body, accepted)
                reply = post(app, body, path=dialect_path(path))
                check(operation, reply, 200)
            check(operation, post(app, [3], path=dialect_path(path)), dialect.refusal_status)
    for page in ("/v1/models", "/v1/models/{model}", "/health", "/ready"):
        check(described["paths"][page]["get"], get(app, dialect_path(page)), 200)


def dialect_path(path: str) -> str:
    """Return a path with a model, a project and a location."""
    return path.replace("{model}", "m").replace("{project}", "p").replace("{location}", "l")


def check(operation: dict[str, Any], reply: Response, status: int) -> None:
    """Hold a reply against its description."""
    assert reply.status_code == status, reply.text
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    jsonschema.validate(orjson.loads(reply.content), schema)
