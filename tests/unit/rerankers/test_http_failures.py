"""How a reply with another status than 200 is understood: whether to retry, to send less, or to give up."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from evalkit.errors import Remedy
from evalkit.http_client import Exchange
from evalkit.rerankers.http_failures import refusal

TEXT = Remedy(refused_for="text")


def exchange(status: int, message: str, headers: dict[str, str] | None = None) -> Exchange:
    """Return a reply with an error message."""
    body: Any = {"error": {"message": message}}
    return Exchange(
        status, headers or {}, orjson.dumps(body), reused=True, sent_s=0.0, headers_s=0.0, body_s=0.0
    )


@pytest.mark.parametrize(
    ("status", "message", "remedy"),
    [
        (400, "no", Remedy()),
        (413, "no", Remedy(too_large=True)),
        (422, "no", Remedy(too_large=True)),
        (500, "no", Remedy(transient=True)),
        (422, "at most 32 documents", Remedy(too_large=True, refused_for="documents", most_documents=32)),
        (400, "too many documents", Remedy(too_large=True, refused_for="documents")),
        (413, "request body exceeds 2 MB", Remedy(too_large=True, refused_for="bytes")),
        (422, "the context length is 512", TEXT),
        (400, "the context length is 512", TEXT),
        (500, "input is too large to process", TEXT),
        (422, "field required", Remedy(refused_for="request")),
        (401, "no", Remedy(permanent=True)),
    ],
)
def test_a_refusal_has_the_remedy_of_its_status_and_words(status: int, message: str, remedy: Remedy) -> None:
    """Fewer documents help only against a list or a body that is too large, or may be."""
    assert refusal(exchange(status, message), "http://it", None).remedy == remedy


def test_a_server_that_asks_for_a_retry_gets_one() -> None:
    """Its own header counts more than its words."""
    asked = exchange(500, "input is too large to process", {"x-should-retry": "true"})
    assert refusal(asked, "http://it", None).remedy.transient
