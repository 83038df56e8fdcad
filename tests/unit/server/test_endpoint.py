"""Replies of a service: failures, headers, times."""

from __future__ import annotations

import numpy as np
import pytest
from support.services import BODY, Lengths, Scripted, get, held, post

from evalkit.config import ServiceSettings
from evalkit.errors import RETRYABLE, CallError
from evalkit.server.app import build_app


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


def test_a_service_that_is_about_to_end_says_so() -> None:
    """It is not ready, and replies send their clients elsewhere."""
    app = build_app({"m": Lengths()}, closing=lambda: True)
    assert get(app, "/health").status_code == 200
    assert get(app, "/ready").status_code == 503
    assert post(app, BODY).headers["connection"] == "close"
    assert get(build_app({"m": Lengths()}), "/ready").json() == {"status": "ready"}


def test_an_answer_that_takes_too_long_is_503() -> None:
    """The client gets that status, and what waits of its request is dropped."""
    lengths = Lengths()
    app = build_app({"m": lengths}, settings=ServiceSettings(answer_timeout_s=0.05))
    with held(lengths):
        reply = post(app, BODY)
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "timeout")
