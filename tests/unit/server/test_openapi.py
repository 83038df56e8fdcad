"""The description of a service is true."""

from __future__ import annotations

from typing import Any

import jsonschema
import orjson
import pytest
from httpx import Response
from support.services import Lengths, get, post

from evalkit import registry
from evalkit.dialects import WireRequest
from evalkit.server.app import build_app
from evalkit.server.routes import dialects_by_path


def dialect_path(path: str) -> str:
    """Return a path with a model, a project and a location."""
    return path.replace("{model}", "m").replace("{project}", "p").replace("{location}", "l")


def check(operation: dict[str, Any], reply: Response, status: int) -> None:
    """Hold a reply against its description."""
    assert reply.status_code == status, reply.text
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    jsonschema.validate(orjson.loads(reply.content), schema)


@pytest.mark.long
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
                headers = dialect.headers(None)
                reply = post(app, body, path=dialect_path(path), headers=headers)
                check(operation, reply, 200)
        first = registry.lookup("dialect", names[0])
        check(operation, post(app, [3], path=dialect_path(path)), first.refusal_status)
    for page in ("/v1/models", "/v1/models/{model}", "/health", "/ready"):
        check(described["paths"][page]["get"], get(app, dialect_path(page)), 200)


def test_every_status_of_a_refusal_is_described() -> None:
    """LocalAI refuses a wrong number of results with another status and another body than anything else."""
    app = build_app({"m": Lengths()})
    path = "/localai/v1/rerank"
    operation = get(app, "/openapi.json").json()["paths"][path]["post"]
    for top_n, status in ((0, 422), ("1", 422), (None, 200)):
        body = {"model": "m", "query": "q", "documents": ["a"], "top_n": top_n}
        check(operation, post(app, body, path=path), status)
    check(operation, post(app, {"model": "m"}, path=path), 400)


@pytest.mark.parametrize("chosen", ["assisters", "vllm"])
def test_every_operation_has_a_name_of_its_own(chosen: str) -> None:
    """Programs that are generated from the description name their functions so."""
    described = get(build_app({"m": Lengths()}, chosen), "/openapi.json").json()["paths"]
    names = [one["operationId"] for methods in described.values() for one in methods.values()]
    assert all(names)
    assert len(names) == len(set(names))
