"""How a reply with another status than 200 is understood: whether to retry, to send less, or to give up."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from evalkit.dialects import Shape
from evalkit.dialects.generic import Generic
from evalkit.errors import CallError, Remedy
from evalkit.http_client import Exchange
from evalkit.rerankers.http_failures import error_sentence, fault_in_reply, refusal
from evalkit.reranking.patience import refuses_rate

TEXT = Remedy(refused_for="text")


def exchange(status: int, message: str, headers: dict[str, str] | None = None) -> Exchange:
    """Return a reply with an error message."""
    body: Any = {"error": {"message": message}}
    return Exchange(
        status,
        headers or {},
        orjson.dumps(body),
        reused=True,
        start_s=0.0,
        sent_s=0.0,
        headers_s=0.0,
        body_s=0.0,
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


def fault_of(body: Any) -> CallError:
    """Return the failure of a reply with status 200 of an API that describes errors at a place of its own."""
    dialect = Generic(Shape(error="diagnosis.why"))
    got = Exchange(
        200, {}, orjson.dumps(body), reused=True, start_s=0.0, sent_s=0.0, headers_s=0.0, body_s=0.0
    )
    return fault_in_reply(
        CallError("reply", "no list"), body, got, lambda one: refusal(one, "http://it", None, dialect),
        "http://it", has_results=False, dialect=dialect,
    )  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": 429, "message": "slow down"}},
        {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"},
        {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
        {"status": 429, "message": "later"},
        {"errors": [{"message": "too many requests"}]},
        {"diagnosis": {"why": "over the rate limit"}},
    ],
)
def test_a_refusal_for_the_rate_inside_a_200_is_one(body: Any) -> None:
    """Calls are then paced as after status 429, and fewer are in flight; the status stays that of the reply."""
    fault = fault_of(body)
    assert refuses_rate(fault)
    assert fault.http_status == 200
    assert fault.remedy.status == 429
    assert fault.remedy.transient


@pytest.mark.parametrize(
    "body", [{"error": "no such thing"}, {"diagnosis": {"why": "all is wrong"}}, {"rows": []}]
)
def test_no_other_fault_inside_a_200_is_a_refusal_for_the_rate(body: Any) -> None:
    """Whether it is an error of the API or a reply without results."""
    assert not refuses_rate(fault_of(body))


def test_the_sentence_of_an_error_is_read_where_the_dialect_has_it() -> None:
    """Else in the usual places, and without JSON it is the text."""
    got = exchange(400, "the usual place")
    assert error_sentence(got) == "the usual place"
    assert error_sentence(got, Generic(Shape(error="error.code"))) == "the usual place"
    body = orjson.dumps({"message": "see below", "diagnosis": {"why": "all is wrong"}})
    other = Exchange(400, {}, body, reused=True, start_s=0.0, sent_s=0.0, headers_s=0.0, body_s=0.0)
    assert error_sentence(other, Generic(Shape(error="diagnosis.why"))) == "all is wrong"
    plain = Exchange(
        400, {}, b"all\nis wrong", reused=True, start_s=0.0, sent_s=0.0, headers_s=0.0, body_s=0.0
    )
    assert error_sentence(plain) == "all is wrong"
