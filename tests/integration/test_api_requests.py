"""The requests that vendors describe and clients send, at a real service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest
from support.api_requests import API_REQUESTS, ApiRequest
from support.command import serving

from evalkit import registry
from evalkit.dialects import Dialect, WireError, read_error_message
from evalkit.dialects.shape import dig

PREFIXES = [name for name in registry.names("dialect") if name != "generic"]


@pytest.fixture(scope="module")
def service() -> Iterator[httpx.Client]:
    """Return a client of a service with one model, which answers to every name."""
    with (
        serving("--backend", "lexical") as url,
        httpx.Client(base_url=url.removesuffix("/v1/rerank")) as client,
    ):
        yield client


def paths_of(row: ApiRequest) -> list[str]:
    """Return the paths at which the service must answer a request."""
    named = [] if row.dialect == "generic" else [f"/{row.dialect}{row.path}"]
    return [*named, *([row.path] if row.at_root or row.dialect == "generic" else [])]


def returned(dialect: Dialect, body: Any) -> list[int]:
    """Return the positions of the returned documents."""
    results = dig(body, dialect.shape.results)
    if dialect.shape.index is None:
        return list(range(len(results)))
    return [one[dialect.shape.index] for one in results]


def test_every_dialect_has_requests() -> None:
    """No dialect is served without a request of its vendor or of a client."""
    assert {row.dialect for row in API_REQUESTS} == set(registry.names("dialect"))


@pytest.mark.parametrize("row", API_REQUESTS, ids=lambda row: f"{row.dialect} {row.path}: {row.source}")
def test_a_request_is_answered_as_the_api_does(service: httpx.Client, row: ApiRequest) -> None:
    """Status 200 with the right documents, or a refusal in the words of the API that names the key."""
    dialect = registry.lookup("dialect", row.dialect)()
    for path in paths_of(row):
        reply = service.post(path, json=row.body)
        if row.refused_for is None:
            assert reply.status_code == 200, reply.text
            places = returned(dialect, reply.json())
            ids = [one.get("id") for one in row.body.get("records", ())]
            assert row.best is None or [ids.index(one) if ids else one for one in places] == list(row.best)
        else:
            assert reply.status_code == dialect.refusal_status, reply.text
            assert f"'{row.refused_for}'" in (read_error_message(reply.json()) or "")
            assert (
                reply.json().keys()
                == dialect.encode_error(WireError(dialect.refusal_status, "c", "m", "p")).keys()
            )


def test_the_description_has_the_requests(service: httpx.Client) -> None:
    """Every answered request fits its schema; lists of queries and keys of objects are described in words."""
    described = service.get("/openapi.json").json()["paths"]
    for row in API_REQUESTS:
        in_words = row.body.get("rank_fields") or any(
            isinstance(row.body.get(one), list) for one in ("text_1", "data_1", "queries")
        )
        if row.refused_for is not None or in_words or row.dialect == "generic":
            continue
        path = (
            registry.lookup("dialect", row.dialect).path
            if "{" in registry.lookup("dialect", row.dialect).path
            else row.path
        )
        operation = described[f"/{row.dialect}{path}"]["post"]
        jsonschema.validate(row.body, operation["requestBody"]["content"]["application/json"]["schema"])


@pytest.mark.parametrize("prefix", ["", *(f"/{name}" for name in PREFIXES)])
def test_clients_find_models_and_state_at_every_base_address(service: httpx.Client, prefix: str) -> None:
    """Lists of models, limits and state are at the root and under the name of every dialect."""
    described = service.get("/openapi.json").json()["paths"]
    for path in ("/", "/health", "/info", "/models", "/ping", "/v1/models", "/v1/models/bge", "/version",
                 "/v1/health/live", "/v1/health/ready", "/v1/cluster/auth"):  # fmt: skip
        reply = service.get(prefix + path)
        assert reply.status_code == 200, path
        template = path.replace("bge", "{model}")
        operation = described[f"/{{dialect}}{template}" if prefix else template]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(reply.json(), schema)


def test_a_key_that_is_empty_or_says_none_is_no_key(service: httpx.Client) -> None:
    """Where no key is required such headers change nothing, whatever the content type says."""
    body = b'{"model": "m", "query": "q", "documents": ["a"]}'
    for value in ("", "Bearer", "Bearer None", "Basic eDp5"):
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            headers = {"Authorization": value, "Content-Type": kind}
            assert service.post("/v1/rerank", content=body, headers=headers).status_code == 200
