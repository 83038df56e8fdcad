"""Requests and replies as Cloudflare describes them."""

from __future__ import annotations

from evalkit.dialects import ANY_MODEL, WireError, WireRequest
from evalkit.dialects.cloudflare import Cloudflare

ASKED = WireRequest(ANY_MODEL, "q", ("a",))


def test_documents_are_contexts() -> None:
    """The path names the model."""
    assert Cloudflare().encode_request(ASKED) == {"query": "q", "contexts": [{"text": "a"}]}


def test_replies_and_errors_have_the_envelope() -> None:
    """With success, errors and messages, and no model."""
    assert Cloudflare().encode_response(ASKED, [0.5], 3) == {
        "result": {"response": [{"id": 0, "score": 0.5}]},
        "success": True,
        "errors": [],
        "messages": [],
    }
    assert Cloudflare().encode_error(WireError(429, "c", "slow down")) == {
        "result": None,
        "success": False,
        "errors": [{"code": 3040, "message": "slow down"}],
        "messages": [],
    }
