"""The two places where DeepInfra describes the query."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.dialects import WireError, WireRequest
from evalkit.dialects.deepinfra import Deepinfra


def test_a_request_has_the_query_where_the_models_page_has_it() -> None:
    """A Qwen3 reranker gets one query per document, any other model the key of the guide, too."""
    qwen = WireRequest("Qwen/Qwen3-Reranker-4B", "q", ("a", "b"))
    other = WireRequest("cross-encoder/ms-marco-MiniLM-L-12-v2", "q", ("a", "b"))
    body = {"queries": ["q", "q"], "documents": ["a", "b"]}
    assert Deepinfra().encode_request(qwen) == body
    assert Deepinfra().encode_request(other) == {**body, "query": "q"}


@pytest.mark.parametrize(
    "query", [{"query": "q"}, {"queries": ["q"]}, {"queries": ["q", "q"]}, {"queries": None, "query": "q"}]
)
def test_a_service_takes_either_key(query: dict[str, Any]) -> None:
    """One query for all documents, or the same one for each."""
    request = Deepinfra().decode_request({**query, "documents": ["a", "b"]}, "m")
    assert (request.query, request.documents, request.model) == ("q", ("a", "b"), "m")


@pytest.mark.parametrize(
    ("query", "message"),
    [({}, "'query' is required"), ({"queries": [1, 1]}, "must be a string"), ({"query": 7}, "must be a string")],
)  # fmt: skip
def test_a_request_without_a_query_is_refused(query: dict[str, Any], message: str) -> None:
    """A number is none."""
    with pytest.raises(WireError, match=message) as raised:
        Deepinfra().decode_request({**query, "documents": ["a", "b"]}, "m")
    assert raised.value.status == 400
