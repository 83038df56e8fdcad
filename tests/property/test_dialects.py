"""Laws of every dialect: what is encoded is decoded, and nothing but the declared errors comes out."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.dialects import PUBLISHED, Published

from evalkit import registry
from evalkit.dialects import ANY_MODEL, Dialect, WireError, WireRequest, read_error_message
from evalkit.dialects.error_reading import read_reply_error
from evalkit.dialects.reading import read_server_times
from evalkit.errors import CallError

DIALECTS = registry.names("dialect")
SHAPED = ("results", "data", "rankings", "rerank", "records", "scores", "output", "index", "id", "relevance_score",
          "score", "logit", "usage", "meta", "error", "detail", "message")  # fmt: skip

text = st.text(st.characters(codec="utf-8"))
requests = st.builds(
    WireRequest,
    model=text.filter(bool),
    query=text,
    documents=st.lists(text, min_size=1, max_size=20).map(tuple),
    top_n=st.none() | st.integers(1, 30),
    return_documents=st.booleans(),
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["0", "1", "NaN", "1e999", "²", "-1"])
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(SHAPED) | st.text(max_size=5), inner, max_size=4)
    ),
)


def opened(name: str) -> Dialect:
    """Return a dialect by its name."""
    return registry.lookup("dialect", name)()  # type: ignore[no-any-return]


def carried(dialect: Dialect, request: WireRequest) -> WireRequest:
    """Return what of a request the dialect has words for."""
    shape = dialect.shape
    return replace(
        request,
        model=request.model if shape.model else ANY_MODEL,
        top_n=request.top_n if shape.top_n else None,
        return_documents=request.return_documents if shape.return_documents else False,
    )


@pytest.mark.parametrize("name", DIALECTS)
@given(request=requests)
@settings(max_examples=40)
def test_a_request_survives_the_wire(name: str, request: WireRequest) -> None:
    """decode_request(encode_request(x)) == x, through real JSON, for all that the API has words for."""
    dialect = opened(name)
    body = orjson.loads(orjson.dumps(dialect.encode_request(request)))
    assert dialect.decode_request(body) == carried(dialect, request)


@pytest.mark.parametrize("name", DIALECTS)
@given(request=requests, data=st.data())
@settings(max_examples=40)
def test_scores_survive_the_wire(name: str, request: WireRequest, data: st.DataObject) -> None:
    """The client reads back, bit for bit and in its own order, the scores the server encoded."""
    dialect = opened(name)
    whole = replace(request, top_n=None)
    scores = data.draw(
        st.lists(st.floats(0, 1), min_size=len(whole.documents), max_size=len(whole.documents))
    )
    body = orjson.loads(orjson.dumps(dialect.encode_response(whole, scores, 5)))
    reply = dialect.decode_response(body, dialect.reply_headers(0.25, 5), whole)
    assert np.array_equal(reply.scores, np.array(scores))
    in_list = reply.scores[reply.order]
    assert not dialect.sorted or (np.diff(in_list) <= 0).all()
    assert reply.model in {whole.model, None}
    assert reply.usage.tokens in {5, None}


@pytest.mark.parametrize("name", [n for n in DIALECTS if opened(n).sorted and opened(n).shape.top_n])
@given(request=requests, data=st.data())
@settings(max_examples=25)
def test_results_are_sorted_and_cut(name: str, request: WireRequest, data: st.DataObject) -> None:
    """A server sends results by score descending, equal scores by index, at most top_n of them."""
    dialect = opened(name)
    count = len(request.documents)
    scores = data.draw(st.lists(st.sampled_from([0.0, 0.25, 0.5]), min_size=count, max_size=count))
    body = dialect.encode_response(request, scores, 0)
    for key in filter(None, dialect.shape.results.split(".")):
        body = body[key]
    keys = [(-r[dialect.shape.score], int(r[dialect.shape.index])) for r in body]
    assert keys == sorted(keys)
    assert len(body) == min(count, request.top_n or count)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_key_survives_its_header(name: str) -> None:
    """A server finds the key where the client put it, and none where there is none or the wrong scheme."""
    dialect = opened(name)
    sent = {key.lower(): value for key, value in dialect.headers("s3cret").items()}
    assert dialect.given_key(sent) == "s3cret"
    assert dialect.given_key({}) is None
    if dialect.key_prefix:
        assert dialect.given_key({dialect.key_header.lower(): "Other s3cret"}) is None


@pytest.mark.parametrize("reply", PUBLISHED, ids=lambda r: f"{r.dialect}: {r.source}")
def test_published_replies_are_read(reply: Published) -> None:
    """Every quoted or recorded reply gives its scores, what it billed, how long it took and its model."""
    dialect = opened(reply.dialect)
    read = dialect.decode_response(reply.body, reply.headers, WireRequest("m", "q", ("a", "b")))
    assert tuple(read.scores) == reply.scores
    reported = {key: value for key, value in asdict(read.usage).items() if value is not None}
    assert reported == reply.usage
    whole = [t.seconds for t in read.server_times if t.meaning == "request"]
    assert (whole[0] if whole else None) == reply.server_s
    assert read.model == reply.model


def test_every_dialect_is_pinned_by_a_reply() -> None:
    """No dialect is without a quoted or recorded reply."""
    assert {reply.dialect for reply in PUBLISHED} == set(DIALECTS)


def test_means_per_pair_are_not_request_times() -> None:
    """TEI's three sub-times are reported as what they are."""
    reply = next(r for r in PUBLISHED if r.dialect == "tei")
    read = opened("tei").decode_response(reply.body, reply.headers, WireRequest("m", "q", ("a", "b")))
    assert {t.name: t.meaning for t in read.server_times} == {
        "x-total-time": "request",
        "x-queue-time": "mean per pair",
        "x-inference-time": "mean per pair",
    }


def test_server_timing_is_read_entry_by_entry() -> None:
    """The entries of a Server-Timing header are added up by name; only a total is a request's time."""
    header = 'total;dur=123.5, miss, db;desc="a, b";dur=53, db;dur=1, model;dur="7.5", odd;dur=x'
    reported = {t.name: (t.seconds, t.meaning) for t in read_server_times({"server-timing": header}, {}, ())}
    assert reported == {
        "server-timing: total": (pytest.approx(0.1235), "request"),
        "server-timing: db": (pytest.approx(0.054), "db alone"),
        "server-timing: model": (pytest.approx(0.0075), "model alone"),
    }


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "fault", ["missing", "twice", "out of range", "negative", "word", "flag", "null", "huge"]
)
def test_a_bad_list_of_results_is_an_error(name: str, fault: str) -> None:
    """A reply without exactly one finite score per document never becomes scores, in any dialect."""
    dialect = opened(name)
    request = WireRequest("m", "q", ("a", "b"))
    body = orjson.loads(orjson.dumps(dialect.encode_response(request, [0.5, 0.25], 5)))
    results = body
    for key in filter(None, dialect.shape.results.split(".")):
        results = results[key]
    index, score = dialect.shape.index, dialect.shape.score
    if fault == "missing":
        results.pop()
    elif fault == "twice" and index:
        results[1] = results[0]
    elif fault in {"out of range", "negative"} and index:
        results[1][index] = {"out of range": 2, "negative": -1}[fault]
    else:
        wrong: Any = {"word": "high", "flag": True, "huge": 10**400}.get(fault)
        if score is None:
            results[1] = wrong
        else:
            results[1][score] = wrong
    with pytest.raises(CallError) as raised:
        dialect.decode_response(body, {}, request)
    assert raised.value.kind == "reply"
    assert "\n" not in raised.value.message
    assert len(raised.value.message) < 200


def test_text_is_a_number_only_where_the_api_writes_it_so() -> None:
    """An index or a score as text is an error, except in the two dialects whose APIs do that."""
    lenient = {name for name in DIALECTS if opened(name).shape.text_numbers}
    assert lenient == {"elastic", "vertex_rank"}
    with pytest.raises(CallError, match="has the index '0'"):
        opened("jina").decode_response(
            {"results": [{"index": "0", "relevance_score": 1}]}, {}, WireRequest("m", "q", ("a",))
        )


def decode_all(body: Any, documents: int) -> None:
    """Put a body to every decoder of every dialect; only what they declare may come out."""
    request = WireRequest("m", "q", ("d",) * documents)
    for name in DIALECTS:
        dialect = opened(name)
        with contextlib.suppress(CallError):
            read = dialect.decode_response(body, {"x-compute-tokens": str(body)[:20]}, request)
            assert np.isfinite(read.scores).all()
            assert sorted(read.order) == list(range(documents))
        with contextlib.suppress(WireError):
            dialect.decode_request(body)
        orjson.dumps(dialect.encode_error(WireError(400, "c", "m", "p")))
    message = read_error_message(body)
    assert message is None or isinstance(message, str)
    for has_results in (True, False):
        found = read_reply_error(body, has_results=has_results)
        assert found is None or (found.message and 400 <= found.status < 600)


@given(body=json_values, documents=st.integers(1, 5))
@settings(max_examples=150)
def test_decoders_raise_only_what_they_declare(body: Any, documents: int) -> None:
    """Whatever JSON arrives, a client raises CallError and a server WireError, or they succeed."""
    decode_all(body, documents)


@given(name=st.sampled_from(DIALECTS), damage=json_values, data=st.data())
@settings(max_examples=150)
def test_damaged_replies_raise_only_what_is_declared(name: str, damage: Any, data: st.DataObject) -> None:
    """A good reply with one part replaced by anything gives finite scores or CallError."""
    body = orjson.loads(
        orjson.dumps(opened(name).encode_response(WireRequest("m", "q", ("a", "b")), [0.5, 0.25], 5))
    )
    place: Any = body
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
        if data.draw(st.booleans()):
            place[key] = damage
            break
        place = place[key]
    decode_all(body, 2)


@pytest.mark.long
def test_fuzzing_for_as_long_as_asked() -> None:
    """For EVALKIT_FUZZ_S seconds, 20 by default, only the declared exceptions come out of any decoder."""
    deadline = time.monotonic() + float(os.environ.get("EVALKIT_FUZZ_S", "20"))
    tried = 0

    @given(body=json_values, documents=st.integers(1, 5))
    @settings(max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def fuzz(body: Any, documents: int) -> None:
        """Decode one body with everything."""
        nonlocal tried
        tried += 1
        decode_all(body, documents)

    while time.monotonic() < deadline:
        fuzz()
    print(f"{tried} bodies, {tried * len(DIALECTS) * 2} decodings")  # noqa: T201 - asked for by hand
