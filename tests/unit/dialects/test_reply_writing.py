"""The service's replies have what each vendor's description requires."""

from __future__ import annotations

import base64
import re
from typing import Any

import jsonschema
import orjson
import pytest
from httpx import Response
from starlette.applications import Starlette
from support.reply_schemas import REQUIRED, Schema
from support.services import Lengths, post

from evalkit import registry
from evalkit.dialects import Dialect, WireRequest
from evalkit.dialects.shape import dig
from evalkit.server.app import build_app

KEY = "sk-local-0123456789"
DIALECTS = [name for name in registry.names("dialect") if name != "generic"]
RETURNING = [name for name in REQUIRED if name in DIALECTS and REQUIRED[name].returned is not None]


@pytest.fixture(scope="module")
def app() -> Starlette:
    """Return a service that needs a key."""
    return build_app({"m": Lengths()}, api_key=KEY)


def opened(name: str) -> Dialect:
    """Return a dialect."""
    dialect: Dialect = registry.lookup("dialect", name)()
    return dialect


def send(app: Starlette, name: str, body: Any, key: str = KEY, **headers: str) -> Response:
    """Send a body to the path with the dialect's name."""
    dialect = opened(name)
    path = f"/{name}{dialect.served_path('m')}"
    return post(app, body, path=path, headers={**dialect.headers(key), **headers})


def ask(app: Starlette, name: str, request: WireRequest) -> Response:
    """Send a request as the dialect writes it."""
    return send(app, name, opened(name).encode_request(request))


def check(reply: Response, schema: Schema) -> Any:
    """Compare the body of a reply with a schema, and return it."""
    body = orjson.loads(reply.content)
    jsonschema.validate(body, schema)
    return body


def test_every_dialect_has_its_requirements() -> None:
    """A dialect without a schema of its vendor's description fails here."""
    assert set(DIALECTS) <= set(REQUIRED)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("request_", [
    WireRequest("m", "q", ("a", "bb", "ccc")),
    WireRequest("m", "q", ("a", "bb", "ccc"), top_n=2),
    WireRequest("m", "q", ("a",)),
], ids=["three documents", "the best two", "one document"])  # fmt: skip
def test_a_reply_has_what_the_description_requires(app: Starlette, name: str, request_: WireRequest) -> None:
    """Body and headers, with and without top_n, for one document too."""
    reply = ask(app, name, request_)
    assert reply.status_code == 200, reply.text
    check(reply, REQUIRED[name].reply)
    for header, pattern in REQUIRED[name].headers.items():
        assert re.fullmatch(pattern, reply.headers[header]), (header, reply.headers[header])


@pytest.mark.parametrize("name", RETURNING)
def test_a_reply_with_documents_has_what_the_description_requires(app: Starlette, name: str) -> None:
    """The documents are returned in the vendor's form."""
    reply = ask(app, name, WireRequest("m", "q", ("a", "bb"), return_documents=True))
    check(reply, REQUIRED[name].returned or {})


@pytest.mark.parametrize("name", DIALECTS)
def test_an_error_has_what_the_description_requires(app: Starlette, name: str) -> None:
    """A malformed request, and a wrong key."""
    schema = REQUIRED[name].error
    malformed = send(app, name, {})
    assert malformed.status_code == opened(name).refusal_status
    check(malformed, schema)
    body = opened(name).encode_request(WireRequest("m", "q", ("a",)))
    refused = send(app, name, body, key="wrong")
    assert refused.status_code == 401
    check(refused, schema)
    for reply in (malformed, refused):
        assert not opened(name).constant_headers.items() - reply.headers.items()


def test_units_are_those_of_the_vendors_definition(app: Starlette) -> None:
    """One unit for each query with up to 100 documents."""
    for count, units in ((1, 1), (100, 1), (101, 2)):
        body = check(ask(app, "cohere_v2", WireRequest("m", "q", ("d",) * count)), {})
        assert body["meta"]["billed_units"]["search_units"] == units


def test_zeroentropy_counts_bytes(app: Starlette) -> None:
    """150 for each pair, and those of query and document in UTF-8."""
    body = check(ask(app, "zeroentropy", WireRequest("m", "é", ("a", "bb"))), {})
    assert body["total_bytes"] == 2 * (150 + 2) + 3


def test_an_error_names_its_request(app: Starlette) -> None:
    """The ID in the body is that of the header."""
    reply = send(app, "dashscope", {}, **{"X-Request-ID": "r-1"})
    assert reply.json()["request_id"] == reply.headers["x-request-id"] == "r-1"


@pytest.mark.parametrize(("accepted", "answered"), [
    ("application/vnd.elasticsearch+json; compatible-with=9", "application/vnd.elasticsearch+json;compatible-with=9"),
    ("application/vnd.elasticsearch+json; compatible-with=8,text/plain",
     "application/vnd.elasticsearch+json;compatible-with=8"),
    ("*/*", "application/json"),
])  # fmt: skip
def test_elasticsearch_answers_in_the_media_type_of_its_clients(
    app: Starlette, accepted: str, answered: str
) -> None:
    """The version is the client's."""
    body = {"query": "q", "input": ["a"]}
    reply = send(app, "elastic", body, Accept=accepted)
    assert reply.headers["content-type"] == answered


def test_mixedbreads_older_client_sends_its_key_without_a_scheme() -> None:
    """Another scheme is no key."""
    dialect = opened("mixedbread")
    assert dialect.given_key({"authorization": "s3cret"}) == "s3cret"
    assert dialect.given_key({"authorization": "Basic s3cret"}) is None


def test_elasticsearch_reads_a_key_as_its_clients_send_one() -> None:
    """An API key as text or as ID and secret, a bearer token, or a user's password; another scheme is no key."""
    dialect = opened("elastic")
    pair = base64.b64encode(b"name:s3:cret").decode()
    for sent in ("ApiKey s3:cret", f"ApiKey {pair}", f"Basic {pair}", "Bearer s3:cret", "bearer s3:cret"):
        assert dialect.given_key({"authorization": sent}) == "s3:cret"
    for sent in ("Digest s3cret", "Basic s3cret", "Bearer ", "ApiKey", ""):
        assert dialect.given_key({"authorization": sent}) is None


@pytest.mark.parametrize("name", DIALECTS)
def test_a_reply_to_a_very_large_top_n_has_all_results(app: Starlette, name: str) -> None:
    """Also where the reply repeats the number."""
    top_n = opened(name).shape.top_n
    if top_n is None:
        pytest.skip("no top_n")
    body = opened(name).encode_request(WireRequest("m", "q", ("a", "bb"), top_n=10**30))
    reply = send(app, name, body)
    assert reply.status_code == 200, reply.text
    assert len(dig(reply.json(), opened(name).shape.results)) == 2


ORIGINALS = ({"id": "x", "text": "bb", "title": "B"},)


@pytest.mark.parametrize(("name", "expected"), [
    ("pinecone", {"document": ORIGINALS[0]}),
    ("cohere_v1", {"document": ORIGINALS[0]}),
    ("mixedbread", {"input": ORIGINALS[0]}),
    ("together", {"document": {"text": '{"id":"x","text":"bb","title":"B"}'}}),
    ("vertex_rank", {"id": "x", "title": "B"}),
])  # fmt: skip
def test_an_object_is_returned_as_it_was_sent(name: str, expected: dict[str, Any]) -> None:
    """With its further keys, in the vendor's form."""
    request = WireRequest("m", "q", ("bb",), return_documents=True, originals=ORIGINALS)
    body = opened(name).encode_response(request, [0.5], 1)
    (result,) = body[opened(name).shape.results]
    assert expected.items() <= result.items()
