"""What bodies of refusals say about time, in the forms that servers use."""

from __future__ import annotations

import orjson
import pytest

from evalkit.http_client import asked_wait_s, is_rate_refusal, is_starting, named_window_s


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": "Model org/name is currently loading", "estimated_time": 20.5}, 20.5),
        ({"error": {"message": "busy", "details": [{"retryDelay": "34s"}]}}, 34.0),
        ({"detail": "slow down", "retry_after": 7}, 7.0),
        ({"retry_after": "7"}, 7.0),
        ({"retryAfterMs": 250}, 0.25),
        ({"error": {"message": "Rate limit reached. Please try again in 7m12s."}}, 432.0),
        ({"message": "Please try again in 250ms"}, 0.25),
        ({"detail": "not there yet, retry after 10.0s"}, 10.0),
        ("Please retry in 34.5 seconds.", 34.5),
        ("wait 2 minutes, then try again", 120.0),
        ("try again in 1h", 3600.0),
        ({"message": "this key takes 10 calls in a minute"}, None),
        ({"message": "retry with at most 10 documents"}, None),
        ({"message": "please try again later. The limit is 10 m"}, None),
        ({"estimated_time": None}, None),
        ({"estimated_time": -3}, None),
        ({"estimated_time": True}, None),
        ({"documents": ["please try again in 20s"]}, None),
        ("", None),
        ("{", None),
    ],
    ids=str,
)
def test_a_wait_is_read_from_keys_and_from_words(body: object, seconds: float | None) -> None:
    """In seconds; what is no wait, and what a body repeats of a request, is none."""
    text = body if isinstance(body, str) else orjson.dumps(body).decode()
    assert asked_wait_s(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("status", "body", "starting"),
    [
        (503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}, True),
        (503, {"error": "Model org/name is currently loading", "estimated_time": 20.0}, True),
        (503, {"message": "come again", "retry_after": 5}, True),
        (503, "the endpoint is scaling up", True),
        (502, "upstream is starting", True),
        (504, {"detail": "cold start"}, True),
        (503, {"detail": "Model is not ready yet"}, True),
        (503, {"detail": "deployment is being launched"}, True),
        (429, {"error": "model is loading"}, True),
        (200, {"error": "Model org/name is currently loading", "estimated_time": 20.0}, True),
        (200, {"results": [], "message": "loading dock"}, False),
        (200, {"results": [{"document": "the model is loading"}]}, False),
        (429, {"message": "try again in 20s"}, False),
        (503, {"error": "error while loading the model: no such file"}, False),
        (503, {"error": "failed loading the model"}, False),
        (503, {"error": "unhealthy"}, False),
        (503, "", False),
        (500, {"error": "loading"}, False),
        (404, {"detail": "model not found, retry after 10.0s"}, False),
        (None, "loading", False),
    ],
    ids=str,
)
def test_a_model_that_starts_is_distinguished_from_one_that_fails(
    status: int | None, body: object, starting: bool
) -> None:
    """A status that may pass, and a body that says what is missing, or when it will be there."""
    text = body if isinstance(body, str) else orjson.dumps(body).decode()
    assert is_starting(status, text) is starting


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (429, "", True),
        (429, {"message": "slow down"}, True),
        (400, {"__type": "ThrottlingException", "message": "Rate exceeded"}, True),
        (403, {"error": {"message": "Rate Limit Exceeded"}}, True),
        (503, {"code": "TooManyRequests"}, True),
        (200, {"error": {"message": "rate limit reached"}}, True),
        (200, {"results": [{"document": "the rate limit"}]}, False),
        (400, {"message": "a document is empty"}, False),
        (400, {"documents": ["rate limits"], "message": "bad"}, False),
        (503, {"message": "unavailable"}, False),
        (500, {"message": "rate limit"}, False),
        (None, "rate limit", False),
    ],
    ids=str,
)
def test_a_refusal_for_the_rate_has_a_status_or_says_so(
    status: int | None, body: object, refused: bool
) -> None:
    """429 always is one; some servers use other statuses."""
    text = body if isinstance(body, str) else orjson.dumps(body).decode()
    assert is_rate_refusal(status, text) is refused


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("limited to 10 API calls / minute", 60.0),
        ("takes 10 calls in a minute", 60.0),
        ("3 RPM", 60.0),
        ("100 requests per min", 60.0),
        ("5 requests per second", 1.0),
        ("5 requests/s", 1.0),
        ("10 per second and 100 per minute", None),
        ("10 per hour", None),
        ("busy", None),
    ],
)
def test_the_window_of_a_limit_is_read_where_a_text_names_it(text: str, seconds: float | None) -> None:
    """A second or a minute; two of them, or another one, say nothing."""
    assert named_window_s(text) == seconds
    assert named_window_s(orjson.dumps({"error": {"message": text}}).decode()) == seconds
