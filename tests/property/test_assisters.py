"""Laws of the dialect: what is encoded is decoded, and nothing but the declared errors comes out."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.dialects import WireError, WireRequest
from evalkit.dialects.assisters import Assisters
from evalkit.errors import CallError

text = st.text(st.characters(codec="utf-8"))
requests = st.builds(
    WireRequest,
    model=text,
    query=text,
    documents=st.lists(text, min_size=1, max_size=20).map(tuple),
    top_n=st.none() | st.integers(1, 30),
    return_documents=st.booleans(),
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)
named_values = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("model", "query", "documents", "top_n", "return_documents", "results", "usage"), json_values
    ),
)


@given(request=requests)
def test_a_request_survives_the_wire(request: WireRequest) -> None:
    """decode_request(encode_request(x)) == x, through real JSON."""
    assert Assisters.decode_request(orjson.loads(orjson.dumps(Assisters.encode_request(request)))) == request


@given(request=requests, data=st.data())
def test_scores_survive_the_wire(request: WireRequest, data: st.DataObject) -> None:
    """The client reads back, bit for bit and in its own order, the scores the server encoded."""
    count = len(request.documents)
    scores = data.draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))
    whole = WireRequest(request.model, request.query, request.documents, None, request.return_documents)
    reply = Assisters.decode_response(
        orjson.loads(orjson.dumps(Assisters.encode_response(whole, scores, 5))), count
    )
    assert np.array_equal(reply.scores, np.array(scores))
    assert (reply.tokens, reply.model) == (5, request.model)


@given(request=requests, data=st.data())
def test_results_are_sorted_and_cut(request: WireRequest, data: st.DataObject) -> None:
    """Results come by score descending, equal scores by index, at most top_n of them."""
    count = len(request.documents)
    scores = data.draw(st.lists(st.sampled_from([0.0, 0.25, 0.5]), min_size=count, max_size=count))
    results = Assisters.encode_response(request, scores, 0)["results"]
    keys = [(-r["relevance_score"], r["index"]) for r in results]
    assert keys == sorted(keys)
    assert len(results) == min(count, request.top_n or count)
    assert all(("document" in r) == request.return_documents for r in results)


@given(body=json_values | named_values, documents=st.integers(1, 5))
def test_decoders_raise_only_what_they_declare(body: Any, documents: int) -> None:
    """Whatever JSON arrives, the client raises CallError and the server WireError, or they succeed."""
    for decode, declared in (
        (lambda: Assisters.decode_response(body, documents), CallError),
        (lambda: Assisters.decode_request(body), WireError),
    ):
        with contextlib.suppress(declared):
            decode()
    Assisters.error_message(body)


@pytest.mark.parametrize(
    "published",
    [
        {"results": [{"index": 1, "relevance_score": 0.9, "document": "b"}, {"index": 0, "relevance_score": 0.1}],
         "model": "assisters-rerank-v1", "usage": {"total_tokens": 12}},
        {"id": "r-1", "results": [{"index": 1, "relevance_score": 0.9, "document": {"text": "b"}},
         {"index": 0, "relevance_score": 0.1, "document": {"text": "a"}}],
         "meta": {"billed_units": {"search_units": 1}}},
        {"id": "r-1", "model": "bge-reranker-v2", "results": [{"index": 1, "relevance_score": 0.9},
         {"index": 0, "relevance_score": 0.1}], "usage": {"total_tokens": 12}},
    ],
    ids=["docs.assisters.dev", "www.assisters.dev", "docs.assisters.io"],
)  # fmt: skip
def test_all_three_published_replies_are_read(published: dict[str, Any]) -> None:
    """Each published shape of the reply gives the same scores; tokens are None where it says none."""
    reply = Assisters.decode_response(published, 2)
    assert reply.scores.tolist() == [0.1, 0.9]
    assert reply.tokens == (12 if "usage" in published else None)


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([{"index": 0, "relevance_score": 0.5}], "1 of 2 documents have no score"),
        ([{"index": 0, "relevance_score": 0.5}] * 2, "twice"),
        ([{"index": 0, "relevance_score": 0.5}, {"index": 2, "relevance_score": 0.5}], "has the index 2"),
        ([{"index": "0", "relevance_score": 0.5}, {"index": 1, "relevance_score": 0.5}], "has the index '0'"),
        (
            [{"index": 0, "relevance_score": None}, {"index": 1, "relevance_score": 0.5}],
            "not a finite number",
        ),
        (
            [{"index": 0, "relevance_score": True}, {"index": 1, "relevance_score": 0.5}],
            "not a finite number",
        ),
        ("none", "no list"),
        ([3, 4], "has the index None"),
    ],
)
def test_a_bad_list_of_results_is_an_error(results: Any, said: str) -> None:
    """A reply without exactly one finite score per document never becomes scores."""
    with pytest.raises(CallError, match=said):
        Assisters.decode_response({"results": results}, 2)
