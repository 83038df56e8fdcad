"""Amounts in replies, over arbitrary values: a known one fits every table and sum, and all else is named."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit import registry
from evalkit.dialects import WireRequest
from evalkit.dialects.reading import read_server_times, unusable_amounts
from evalkit.records import MAX_AMOUNT
from evalkit.rerankers.chat import read_chat

values = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
    | st.lists(st.integers())
    | st.sampled_from([1e30, 2**63, 2**64 - 1, -1, 1.5, 1e308, "12", MAX_AMOUNT, MAX_AMOUNT + 1])
)  # fmt: skip
REQUEST = WireRequest("m", "q", ("a",))


@given(values, values, values)
def test_an_amount_of_a_reply_is_known_or_named(tokens: Any, units: Any, cost: Any) -> None:
    """Known: a number from 0 to the largest, whole if it counts. Else None, and named unless it is missing."""
    body = {
        "model": "m", "results": [{"index": 0, "relevance_score": 0.5}],
        "usage": {"total_tokens": tokens, "search_units": units, "cost": cost},
    }  # fmt: skip
    reply = registry.lookup("dialect", "openrouter")().decode_response(body, {}, REQUEST)
    known = (reply.usage.tokens, reply.usage.units, reply.usage.cost_usd)
    fields = ("usage.total_tokens", "usage.search_units", "usage.cost")
    for sent, amount, field in zip((tokens, units, cost), known, fields, strict=True):
        if amount is None:
            assert (field in reply.unusable) == (sent is not None)
        else:
            assert 0 <= amount <= MAX_AMOUNT
            assert amount == sent
            assert field not in reply.unusable
    assert reply.usage.tokens is None or isinstance(reply.usage.tokens, int)
    orjson.dumps(reply.usage.tokens)
    assert all("\n" not in shown and len(shown) < 50 for shown in reply.unusable.values())


@given(values)
def test_an_amount_of_a_chat_reply_is_known_or_named(tokens: Any) -> None:
    """As in the replies of rerank APIs."""
    body = {"choices": [{"message": {"content": "[1]"}}], "usage": {"total_tokens": tokens}}
    reply = read_chat(body)
    assert (reply.usage.tokens is None) == (tokens is None or "usage.total_tokens" in reply.unusable)


@given(
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=40)
    | st.sampled_from(["9" * 400, "1e999"])
)
def test_a_time_of_a_header_is_a_duration_or_unknown(text: str) -> None:
    """Whatever a header says: finite and not negative."""
    headers = {"server-timing": f"total;dur={text}, a;dur=5", "x-envoy-upstream-service-time": text}
    times = read_server_times(headers, {}, registry.lookup("dialect", "litellm_proxy")().server_times)
    assert all(math.isfinite(time.seconds) and 0 <= time.seconds <= MAX_AMOUNT for time in times)


@pytest.mark.parametrize(
    ("text", "named"),
    [("12", False), ("1e30", True), ("-1", True), ("many", True), ("None", False), ("", False)],
)
def test_an_amount_of_a_header_is_named_if_it_is_none(text: str, named: bool) -> None:
    """Absent, empty or None is not reported; anything else must be a number."""
    body = {"results": [{"index": 0, "relevance_score": 0.5}]}
    dialect = registry.lookup("dialect", "litellm_proxy")()
    reply = dialect.decode_response(body, {"x-litellm-response-cost": text}, REQUEST)
    assert ("x-litellm-response-cost" in reply.unusable) == named


def test_nothing_is_named_where_nothing_is() -> None:
    """A path that is not there, or leads through a text."""
    assert unusable_amounts({"usage": "none"}, ["usage.total_tokens"], ["usage.cost"]) == {}
    assert unusable_amounts([], ["usage.total_tokens"]) == {}
