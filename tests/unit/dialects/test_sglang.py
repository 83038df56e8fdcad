"""The differences between SGLang's server and its router."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.dialects import ANY_MODEL, WireError, WireRequest
from evalkit.dialects.sglang import Sglang

REQUEST = WireRequest("m", "q", ("a", "b"))
BEST_FIRST = [{"score": 0.75, "index": 1}, {"score": 0.25, "index": 0}]


@pytest.mark.parametrize(
    "body",
    [
        BEST_FIRST,
        {"results": BEST_FIRST, "model": "unknown"},
        {"results": BEST_FIRST, "model": "m", "usage": None},
    ],
)
def test_a_list_and_an_object_give_the_same_scores(body: Any) -> None:
    """The name that the router gives to every model is no other model."""
    reply = Sglang().decode_response(body, {}, REQUEST)
    assert reply.scores.tolist() == [0.25, 0.75]
    assert reply.order.tolist() == [1, 0]
    assert reply.model in {None, "m"}
    assert reply.usage.tokens is None


def test_another_model_is_reported() -> None:
    """Only "unknown" is no name."""
    assert Sglang().decode_response({"results": BEST_FIRST, "model": "n"}, {}, REQUEST).model == "n"


@pytest.mark.parametrize(
    ("results", "tokens"),
    [([{"prompt_tokens": 3}, {"prompt_tokens": 4}], 7), ([{"prompt_tokens": 3}, {}], None)],
)
def test_tokens_are_the_sum_over_all_results_or_unknown(results: list[Any], tokens: int | None) -> None:
    """A server counts tokens for each result; one without a count makes the sum unknown."""
    body = [{**result, "meta_info": info} for result, info in zip(BEST_FIRST, results, strict=True)]
    assert Sglang().decode_response(body, {}, REQUEST).usage.tokens == tokens


def test_a_limit_has_the_key_of_the_server_and_of_the_router() -> None:
    """Each ignores the other's; without a limit neither is sent."""
    body = Sglang().encode_request(WireRequest("m", "q", ("a",), top_n=3))
    assert (body["top_n"], body["top_k"]) == (3, 3)
    assert {"top_n", "top_k"}.isdisjoint(Sglang().encode_request(REQUEST))


@pytest.mark.parametrize(
    ("more", "top_n"),
    [({}, None), ({"top_n": 1}, 1), ({"top_k": 1}, 1), ({"top_k": 2, "top_n": 1}, 1), ({"top_k": None}, None)],
)  # fmt: skip
def test_a_service_takes_either_limit_and_no_model(more: dict[str, Any], top_n: int | None) -> None:
    """The model is optional, and documents are returned unless the request says no."""
    request = Sglang().decode_request({"query": "q", "documents": ["a"], **more})
    assert (request.model, request.top_n, request.return_documents) == (ANY_MODEL, top_n, True)


def test_a_service_answers_as_a_server() -> None:
    """A bare list of scores and documents; an error is a flat object."""
    request = WireRequest("m", "q", ("a", "b"), top_n=1, return_documents=True)
    assert Sglang().encode_response(request, [0.25, 0.75], 5) == [
        {"score": 0.75, "index": 1, "meta_info": None, "document": "b"}
    ]
    assert Sglang().encode_error(WireError(400, "c", "no query", "query")) == {
        "object": "error", "message": "no query", "type": "BadRequestError", "param": "query", "code": 400,
    }  # fmt: skip


def test_a_text_may_be_in_parts() -> None:
    """Query and documents; a part that is no text is refused."""
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    request = Sglang().decode_request({"query": parts, "documents": ["x", parts]})
    assert (request.query, request.documents) == ("a\nb", ("x", "a\nb"))
    image = [{"type": "image_url", "image_url": {"url": "https://images.example/cat.png"}}]
    with pytest.raises(WireError) as refused:
        Sglang().decode_request({"query": "q", "documents": [image]})
    assert refused.value.param == "documents"
