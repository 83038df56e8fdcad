"""The service in this process: what it answers, to whom, and what it says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import orjson
import pytest
from httpx import Response
from support.services import BODY, Lengths, Scripted, get, post

from evalkit import registry
from evalkit.config import ServiceSettings
from evalkit.dialects import WireRequest
from evalkit.errors import RETRYABLE, CallError, ConfigError
from evalkit.server.app import build_app
from evalkit.server.routes import dialects_by_path


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
    reply = post(build_app({"m": Scripted(CallError("http", "busy", remedy=RETRYABLE))}), BODY)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")


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
