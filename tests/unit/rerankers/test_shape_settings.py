"""APIs described with the generic dialect alone: the requests and the scores of their own description, or a finding."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command import evalkit

from evalkit import registry
from evalkit.dialects import WireRequest
from evalkit.errors import CallError
from evalkit.rerankers.http_settings import HttpSettings

text = st.text(st.characters(codec="utf-8"))
requests = st.builds(
    WireRequest,
    model=st.just("Qwen/Qwen3-Reranker-8B"),
    query=text,
    documents=st.lists(text, min_size=1, max_size=5).map(tuple),
)


@dataclass(frozen=True)
class Described:
    """An API as the configuration describes it, and as its vendor does.

    Attributes
    ----------
    shape, options
        The configuration.
    request
        The body that the vendor documents.
    reply
        The body of a reply with scores, as the vendor documents it.
    """

    shape: dict[str, Any]
    request: Callable[[WireRequest], Any]
    reply: Callable[[list[float]], Any]
    options: dict[str, Any] = field(default_factory=dict)

    def settings(self) -> HttpSettings:
        """Return the checked settings."""
        return HttpSettings(
            url="http://h/rank", dialect="generic", model="m", shape=self.shape, options=self.options
        )  # type: ignore[arg-type]


def best_first(
    scores: list[float], score: str, index: str = "index", kind: type = int
) -> list[dict[str, Any]]:
    """Return results, best first."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    return [{index: kind(i), score: scores[i]} for i in order]


DESCRIBED = {
    "Bedrock": Described(
        {
            "model": "", "query": "queries.0.textQuery.text", "documents": "sources",
            "document_key": "inlineDocumentSource.textDocument.text",
            "document_extra": {"type": "INLINE", "inlineDocumentSource.type": "TEXT"},
            "top_n": "", "score": "relevanceScore", "tokens": "",
        },
        lambda asked: {
            "queries": [{"type": "TEXT", "textQuery": {"text": asked.query}}],
            "sources": [
                {"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": one}}}
                for one in asked.documents
            ],
            "rerankingConfiguration": {"type": "BEDROCK_RERANKING_MODEL"},
        },
        lambda scores: {"results": best_first(scores, "relevanceScore")},
        {"queries.0.type": "TEXT", "rerankingConfiguration.type": "BEDROCK_RERANKING_MODEL"},
    ),
    "Cloudflare": Described(
        {
            "model": "", "documents": "contexts", "document_key": "text", "top_n": "top_k",
            "results": "result.response", "index": "id", "score": "score", "tokens": "", "error": "errors.0.message",
        },
        lambda asked: {"query": asked.query, "contexts": [{"text": one} for one in asked.documents]},
        lambda scores: {"success": True, "errors": [], "result": {"response": best_first(scores, "score", "id")}},
    ),
    "watsonx": Described(
        {
            "model": "model_id", "documents": "inputs", "document_key": "text", "score": "score",
            "top_n": "parameters.return_options.top_n", "tokens": "input_token_count",
        },
        lambda asked: {
            "model_id": asked.model, "query": asked.query, "inputs": [{"text": one} for one in asked.documents],
            "project_id": "p", "parameters": {"truncate_input_tokens": 512},
        },
        lambda scores: {"results": best_first(scores, "score"), "input_token_count": 3},
        {"project_id": "p", "parameters.truncate_input_tokens": 512},
    ),
    "scores and indices in two lists": Described(
        {"results": "", "score": "output.scores", "index": "output.indices"},
        lambda asked: {"model": asked.model, "query": asked.query, "documents": list(asked.documents)},
        lambda scores: {"output": {"scores": scores[::-1], "indices": list(range(len(scores)))[::-1]}},
    ),
    "results in a list, and scores in lists": Described(
        {"results": "output.0.data", "score": "scores.1", "index": "meta.position", "sorted": False},
        lambda asked: {"model": asked.model, "query": asked.query, "documents": list(asked.documents)},
        lambda scores: {"output": [{"data": [
            {"meta": {"position": i}, "scores": [1 - score, score]} for i, score in enumerate(scores)]}]},
    ),
    "a bare list": Described(
        {"results": ".", "score": "score", "tokens": ""},
        lambda asked: {"model": asked.model, "query": asked.query, "documents": list(asked.documents)},
        lambda scores: best_first(scores, "score"),
    ),
    "keys with dots": Described(
        {"query": '"input.query"', "documents": '"0"', "results": '"a.b"', "score": '"s.1"'},
        lambda asked: {"model": asked.model, "input.query": asked.query, "0": list(asked.documents)},
        lambda scores: {"a.b": best_first(scores, "s.1")},
    ),
}  # fmt: skip
OWN = {
    "dashscope": (
        {"query": "input.query", "documents": "input.documents", "results": "output.results"}, {}),
    "deepinfra": (
        {"model": "", "query": "queries.*", "results": "scores", "index": "", "score": "", "sorted": False}, {}),
    "vertex_rank": (
        {"documents": "records", "document_key": "content", "document_id_key": "id", "results": "records",
         "index": "id", "score": "score", "text_numbers": True, "tokens": ""},
        {"ignoreRecordDetailsInResponse": True}),
    "nim": (
        {"query": "query.text", "documents": "passages", "document_key": "text", "results": "rankings",
         "score": "logit"}, {}),
}  # fmt: skip
"""Dialect -> the shape and the options that describe the same API."""


@pytest.mark.parametrize("name", DESCRIBED)
@given(request=requests, data=st.data())
def test_a_described_api_gets_its_requests_and_gives_its_scores(
    name: str, request: WireRequest, data: st.DataObject
) -> None:
    """The body is the vendor's, key for key, and every score reaches its document."""
    api = DESCRIBED[name]
    dialect = api.settings().open_dialect()
    assert orjson.loads(orjson.dumps(dialect.encode_request(request, api.options))) == api.request(request)
    count = len(request.documents)
    scores = data.draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))
    reply = dialect.decode_response(orjson.loads(orjson.dumps(api.reply(scores))), {}, request)
    assert reply.scores.tolist() == scores


@pytest.mark.parametrize("name", OWN)
@given(request=requests, data=st.data())
def test_a_described_api_is_that_of_its_own_dialect(
    name: str, request: WireRequest, data: st.DataObject
) -> None:
    """The same request, and the same scores out of the same reply."""
    shape, options = OWN[name]
    own = registry.lookup("dialect", name)()
    generic = HttpSettings(url="http://h/r", dialect="generic", shape=shape, options=options).open_dialect()  # type: ignore[arg-type]
    assert generic.encode_request(request, options) == own.encode_request(request)
    count = len(request.documents)
    scores = data.draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))
    body = orjson.loads(orjson.dumps(own.encode_response(request, scores, 5)))
    ours, theirs = (dialect.decode_response(body, {}, request) for dialect in (generic, own))
    assert ours.scores.tolist() == theirs.scores.tolist() == scores
    assert ours.order.tolist() == theirs.order.tolist()


@pytest.mark.parametrize(
    ("shape", "options", "key", "reason"),
    [
        ("query: a..b", "", "query", "it has an empty part"),
        ("documents: a.-1", "", "documents", "'-1' is no position"),
        ("index: 'results[0]'", "", "index", "such as results.0"),
        ("error: a.*", "", "error", "double quotes"),
        ("query: q, documents: q", "", "documents", "'q' is set twice"),
        ("query: q, documents: q.d", "", "documents", "leads through text"),
        ("query: q.0.a, documents: q.d", "", "documents", "leads through a list"),
        ("top_n: query.n", "", "top_n", "leads through text"),
        ("model: 0.a", "", "model", "leads through an object"),
        ("query: a.*.b", "", "query", "double quotes"),
        ("document_key: a.b, document_extra: {a: 1}", "", "document_extra", "is set twice"),
        ("document_extra: {a: 1}", "", "document_extra", "needs document_key"),
        ("document_key: t, document_id_key: t", "", "document_id_key", "'t' is set twice"),
        ("index: n, score: n", "", "score", "must not be the path of the index"),
        ("query: q.1.text", "", "it", "leaves the position q.0 of a request empty"),
        ("query: q", "q: 1", "it", "must not set option 'q'"),
        ("query: q.a", "q.a: 1", "it", "'q.a' is set twice"),
        ("query: q.a", "q: text", "it", "must not set option 'q'"),
        ("query: q", "a..b: 1", "it", "has an option 'a..b' that is not a path"),
        ("query: q", "a: 1, a.b: 2", "it", "'a.b' leads through"),
    ],
)
def test_a_shape_that_cannot_do_what_it_says_is_a_finding(
    tmp_path: Path, shape: str, options: str, key: str, reason: str
) -> None:
    """``config check`` names the file, the line and the column, before anything is sent."""
    config = tmp_path / "c.yaml"
    line = f"  it: {{backend: http, dialect: generic, url: 'http://h/r', shape: {{{shape}}}, options: {{{options}}}}}"
    config.write_text(f"name: t\ndatasets: [demo]\nrerankers:\n{line}\n", encoding="utf-8")
    done = evalkit("config", "check", config, cwd=tmp_path)
    assert done.returncode == 2
    column = re.search(rf"\b{key}: ", line).end() + 1  # type: ignore[union-attr]
    assert f"c.yaml:4:{column}: " in done.stderr
    assert reason in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("body", "message"),
    [({"errors": []}, "no list of results under 'result.response'"), ("text", "not a JSON object")],
)
def test_a_reply_without_a_list_is_an_error(body: Any, message: str) -> None:
    """The message names the place where the list belongs."""
    dialect = DESCRIBED["Cloudflare"].settings().open_dialect()
    with pytest.raises(CallError, match=message):
        dialect.decode_response(body, {}, WireRequest("m", "q", ("a",)))


@pytest.mark.parametrize(
    ("why", "number", "found"),
    [("it is all wrong", None, ("it is all wrong", 400)), ("too many requests", None, ("too many requests", 429)),
     ("later", 503, ("503: later", 503)), ("ok", None, None), ("", None, None), (7, None, None)],
)  # fmt: skip
def test_an_error_in_a_reply_with_status_200_is_read_where_the_shape_puts_it(
    why: Any, number: int | None, found: tuple[str, int] | None
) -> None:
    """With the status that belongs to it; a word for success is no error, and neither is a note with results."""
    shape = {"error": "diagnosis.why", "error_code": "diagnosis.number"}
    dialect = HttpSettings(url="http://h/r", dialect="generic", shape=shape).open_dialect()  # type: ignore[arg-type]
    body = {"diagnosis": {"why": why, "number": number}}
    read = dialect.reply_error(body, has_results=False)
    assert (None if read is None else (read.message, read.status)) == found
    assert dialect.reply_error(body, has_results=True) is None


@pytest.mark.parametrize(
    ("output", "message"),
    [({"scores": [0.5, 0.25], "indices": [0]}, "2 scores and 1 indices"), ({"scores": [0.5]}, "no list of indices"),
     ({"scores": [0.5, 0.25], "indices": [0, 0]}, "twice"), ({"indices": [0]}, "no list of results")],
)  # fmt: skip
def test_two_lists_that_do_not_fit_are_an_error(output: dict[str, Any], message: str) -> None:
    """A score without an index belongs to no document."""
    dialect = DESCRIBED["scores and indices in two lists"].settings().open_dialect()
    with pytest.raises(CallError, match=message):
        dialect.decode_response({"output": output}, {}, WireRequest("m", "q", ("a", "b")))


def test_a_shape_without_the_later_keys_has_the_identity_that_it_had() -> None:
    """Scores that are stored for an API are found again."""
    written = HttpSettings(url="http://h/r", dialect="generic", shape={"query": "q"}).model_dump(mode="json")  # type: ignore[arg-type]
    assert {"document_id_key", "document_extra", "error", "error_code"}.isdisjoint(written["shape"])
    described = DESCRIBED["Bedrock"].settings().model_dump(mode="json")
    assert described["shape"]["document_extra"] == DESCRIBED["Bedrock"].shape["document_extra"]
