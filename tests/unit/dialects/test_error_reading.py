"""Errors inside a reply with status 200: found in every form, with the status that belongs to them."""

from __future__ import annotations

from typing import Any

import pytest
from support.dialects import PUBLISHED

from evalkit.dialects import read_error_message
from evalkit.dialects.error_reading import ReplyError, read_events, read_reply_error

TRANSIENT = {408, 409, 425, 429, 500, 502, 503, 504, 529}
CLOSED = {401, 402, 403, 404}

ERRORS: list[tuple[Any, str, int]] = [
    ({"error": {"message": "slow down", "type": "rate_limit_error", "code": 429}}, "429: slow down", 429),
    ({"error": {"message": "slow down", "code": "429"}}, "429: slow down", 429),
    ({"error": "no such thing"}, "no such thing", 400),
    ({"error": ["first fault", "second fault"]}, "first fault; second fault", 400),
    ({"error": 503}, "503", 503),
    ({"error": True, "message": "went wrong"}, "went wrong", 400),
    ({"code": "Throttling", "message": "too fast", "request_id": "r"}, "Throttling: too fast", 429),
    ({"code": "InvalidApiKey", "message": "wrong"}, "InvalidApiKey: wrong", 401),
    ({"code": 20012, "message": "Model does not exist", "data": None}, "20012: Model does not exist", 404),
    ({"success": False, "errors": [{"code": 10000, "message": "Authentication error"}], "result": None},
     "10000: Authentication error", 401),
    ({"success": False, "errors": [{"code": 3040, "message": "No capacity now"}]}, "3040: No capacity now", 503),
    ({"object": "error", "message": "not a ranker", "type": "BadRequestError", "code": 400}, "400: not a ranker", 400),
    ({"detail": "the key is not valid: api key expired"}, "the key is not valid: api key expired", 401),
    ({"detail": [{"loc": ["body", "queries"], "msg": "Field required", "type": "missing"}]},
     "Field required: queries", 400),
    ({"status": "error", "message": "model is loading"}, "model is loading", 503),
    ({"status": 500, "message": "boom"}, "500: boom", 500),
    ({"errors": [{"message": "a"}, {"message": "b"}]}, "a; b", 400),
    ({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, "1002: rate limit", 429),
    ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, "1008: insufficient balance", 402),
    ({"error_code": 110, "error_msg": "Access token invalid"}, "110: Access token invalid", 401),
    ({"error_code": 18, "error_msg": "qps limit reached"}, "18: qps limit reached", 429),
    ({"Code": "Throttling.User", "Message": "flow control"}, "Throttling.User: flow control", 429),
    ({"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "m"}}}, "RequestLimitExceeded: m", 429),
    ({"Output": {"__type": "x#UnknownOperationException"}}, "x#UnknownOperationException", 400),
    ({"fault": {"faultstring": "spike", "detail": {"errorcode": "ratelimit.Spike"}}}, "ratelimit.Spike: spike", 429),
    ({"type": "about:blank", "title": "Slow", "status": 429, "detail": "one a second"}, "429: one a second", 429),
    ({"results": [], "error": "server overloaded"}, "server overloaded", 503),
    ({"results": None, "error": {"message": "upstream timed out"}}, "upstream timed out", 504),
    ({"data": {"error": "quota used up"}}, "quota used up", 402),
    ([{"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}], "429: m", 429),
    ({"error": {"message": "Provider returned error", "code": 502, "metadata": {"raw": "gone"}}},
     "502: Provider returned error: gone", 502),
    ({"error": {"code": "insufficient_quota", "message": "see billing", "status": 429}},
     "insufficient_quota: see billing", 402),
    ({"error": {"type": "invalid_request_error"}}, "invalid_request_error", 400),
    ({"choices": [{"error": {"code": 502, "message": "cut"}, "message": {"content": ""}}]}, "502: cut", 502),
    ("the service is temporarily down", "the service is temporarily down", 503),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message", "status"), ERRORS)
def test_an_error_is_found_in_every_form(body: Any, message: str, status: int) -> None:
    """Its message has its code; its status is the one that an API with statuses sends."""
    found = read_reply_error(body, has_results=False)
    assert found is not None
    assert (found.message, found.status) == (message, status)
    assert status in TRANSIENT | CLOSED | {400}


HARMLESS: list[Any] = [
    {"error": None, "message": "ok"},
    {"error": {}, "errors": [], "success": True},
    {"error": {"code": 0, "message": "success"}},
    {"error": False, "message": "ranked 3 texts"},
    {"error_code": 0, "error_msg": ""},
    {"code": 0, "message": "success", "data": []},
    {"code": "200", "message": "Request was successfully processed.", "data": []},
    {"code": 20000, "msg": "OK", "results": []},
    {"base_resp": {"status_code": 0, "status_msg": "success"}},
    {"status": "succeeded", "id": "x", "object": "list", "usage": {"total_tokens": 3}},
    {"success": True, "errors": [], "messages": [], "result": {}},
    {}, [], None, 3, "ok", "", [{"index": 0, "score": 0.5}],
]  # fmt: skip


@pytest.mark.parametrize("body", HARMLESS)
def test_a_word_or_number_for_success_is_no_error(body: Any) -> None:
    """Such a reply is malformed at most."""
    assert read_reply_error(body, has_results=False) is None


@pytest.mark.parametrize("reply", PUBLISHED, ids=lambda reply: f"{reply.dialect} {reply.source}")
@pytest.mark.parametrize("has_results", [True, False])
def test_no_published_reply_contains_an_error(reply: Any, *, has_results: bool) -> None:
    """Neither as it is nor with the usual fields for success."""
    assert read_reply_error(reply.body, has_results=has_results) is None
    if isinstance(reply.body, dict):
        harmless = {**reply.body, "error": None, "message": "ok", "code": 0, "success": True}
        assert read_reply_error(harmless, has_results=has_results) is None


def test_with_results_only_an_explicit_error_counts() -> None:
    """A sentence next to some results may be anything; an error next to them is one."""
    assert read_reply_error({"message": "two were cached"}, has_results=True) is None
    assert read_reply_error({"message": "two were cached"}, has_results=False) is not None
    assert read_reply_error({"error": "half of them timed out"}, has_results=True) is not None


@pytest.mark.parametrize(
    ("body", "wait_s"),
    [
        ({"error": "Rate limit reached. Please try again in 20s."}, 20.0),
        ({"error": "rate limit: retry after 250 ms"}, 0.25),
        ({"error": "wait 2 minutes, then retry"}, 120.0),
        ({"error": "model is loading", "estimated_time": 12.5}, 12.5),
        ({"error": {"message": "slow down", "retry_after": 3}}, 3.0),
        ({"error": {"message": "slow down", "retry_after": "4s"}}, 4.0),
        ({"error": "try again later"}, None),
        ({"error": "retry", "retry_after": "soon"}, None),
    ],
)
def test_a_stated_wait_is_read(body: Any, wait_s: float | None) -> None:
    """From a field or from the sentence, in seconds."""
    found = read_reply_error(body, has_results=False)
    assert isinstance(found, ReplyError)
    assert found.wait_s == wait_s


def test_events_are_read_line_by_line() -> None:
    """Server-sent events and JSON lines are objects; a page or a broken line is neither."""
    assert read_events('event: error\ndata: {"error": "x"}\n\ndata: [DONE]\n') == [{"error": "x"}]
    assert read_events('{"a": 1}\n{"b": 2}\n') == [{"a": 1}, {"b": 2}]
    assert read_events("<html>\n</html>") == read_events('data: {"a": ') == read_events("") == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "Bad Request", "message": "the list is empty"}, "the list is empty"),
        ({"detail": "wrong", "errors": [{"message": "top_n"}]}, "wrong"),
        (
            {"error": {"root_cause": [{"reason": "deep"}], "reason": "the index is closed"}},
            "the index is closed",
        ),
        ({"title": "Conflict"}, "Conflict"),
        ({"detail": {"error": "inner"}}, "inner"),
        ({"a": {"message": "elsewhere"}}, None),
        ({"error": [[[[[["too deep"]]]]]]}, None),
        (7, None),
    ],
)
def test_the_best_sentence_of_an_error_body_is_its_message(body: Any, message: str | None) -> None:
    """The sentence before the name of the status, an object's sentence before a plain key."""
    assert read_error_message(body) == message
