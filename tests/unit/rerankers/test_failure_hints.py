"""Hints at what to change: each kind of evidence has its hint, and nothing else has one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.dialects import PUBLISHED

from evalkit import registry
from evalkit.dialects import Dialect, Shape, WireRequest
from evalkit.errors import CallError
from evalkit.http_client import Exchange
from evalkit.rerankers.failure_evidence import Evidence
from evalkit.rerankers.failure_hints import HINTS, advise, advise_chat

HOST = "http://127.0.0.1:8000"
DOCUMENTS = ("first text", "second text", "third text", "")


@dataclass(frozen=True)
class Case:
    """A reply, what was sent, and the hint; None for no hint."""

    body: Any
    hint: str | None
    status: int = 400
    dialect: str = "vllm"
    url: str = f"{HOST}/v1/rerank"
    documents: tuple[str, ...] = DOCUMENTS
    query: str = "which?"
    options: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    requests_per_minute: float | None = None


def exchange_of(body: Any, status: int, headers: dict[str, str] | None = None) -> Exchange:
    """Return a reply."""
    content = body.encode() if isinstance(body, str) else orjson.dumps(body)
    return Exchange(
        status, headers or {}, content, reused=False, start_s=0.0, sent_s=0.0, headers_s=0.0, body_s=0.0
    )


def opened(name: str) -> Dialect:
    """Return a dialect."""
    found: Dialect = registry.lookup("dialect", name)()
    return found


def evidence_of(case: Case) -> Evidence:
    """Return what is known of a call."""
    return Evidence(
        exchange=exchange_of(case.body, case.status, case.headers),
        url=case.url,
        name=case.dialect,
        dialect=opened(case.dialect),
        options=case.options,
        wire=WireRequest("m", case.query, case.documents),
        doc_ids=tuple(f"d{number}" for number in range(len(case.documents))),
        key_variable="API_KEY",
        requests_per_minute=case.requests_per_minute,
    )


def results(count: int, score: str = "relevance_score", index: str = "index") -> list[dict[str, Any]]:
    """Return a list of results."""
    return [{index: number, score: 0.5} for number in range(count)]


FORMS = [
    Case(results(4, "score"), 'this reply fits dialect: sglang; or set dialect: generic with shape: {results: "",'
         ' score: score}', 200),
    Case(results(4, "score"), 'this reply fits dialect: sagemaker_tei, sglang, tei, whose requests differ; for the same'
         ' request set dialect: generic with shape: {query: query.text, documents: passages, document_key: text,'
         ' results: "", score: score}', 200, "nim"),
    Case({"data": results(4)}, "this reply fits dialect: fireworks, voyage; or set dialect: generic with shape:"
         " {results: data}", 200),
    Case({"results": results(4, "score")}, "this reply fits dialect: sglang; or set dialect: generic with shape:"
         " {score: score}", 200),
    Case({"scores": [1, 2, 3, 4]}, 'this reply fits dialect: deepinfra, whose requests differ; for the same request'
         ' set dialect: generic with shape: {results: scores, index: "", score: ""}', 200),
    Case({"data": results(4)}, "this reply fits dialect: fireworks, voyage, whose requests differ", 200, "deepinfra"),
    Case({"rankings": results(4, "logit")}, "this reply fits dialect: nim, nvidia_hosted, whose requests differ; for"
         " the same request set dialect: generic with shape: {results: rankings, score: logit}", 200),
    Case({"result": {"items": results(4, "similarity", "idx")}}, "set dialect: generic with shape: {results:"
         " result.items, index: idx, score: similarity}", 200),
    Case({"results": [{"index": 0, "relevance_score": "high"}]}, None, 200),
    Case({"results": [{"index": "0", "relevance_score": 0.5}]}, "set dialect: generic with shape: {text_numbers:"
         " true}", 200, documents=("a",)),
    Case({"results": [{"index": 0, "relevance_score": "0.5"}]}, "set dialect: generic with shape: {text_numbers:"
         " true}", 200, documents=("a",)),
    *(Case({"results": [{**index, "relevance_score": 0.5}]}, None, 200, documents=("a",))
      for index in ({}, {"index": 0.0}, {"index": 1}, {"index": "1"}, {"index": "d0"})),
    Case({"results": [results(4)]}, "set dialect: generic with shape: {results: results.0}", 200),
    Case([results(4)], "set dialect: generic with shape: {results: 0}", 200),
    Case({"model": "m"}, None, 200),
    Case({"results": results(2)}, "the server returned 2 of 4 results: set send_top_n: true or max_documents: 2", 200),
    Case({"rankings": results(3, "logit")}, "the server returned 3 of 5 results: set max_documents: 3", 200, "nim",
         documents=("a", "b", "c", "d", "e")),
    Case(results(2, "score"), "the server returned 2 of 4 results: set send_top_n: true or max_documents: 2", 200,
         "sglang"),
    Case({"results": results(2, "score")}, "the server returned 2 of 4 results: set send_top_n: true or"
         " max_documents: 2", 200, "sglang"),
    Case({"records": [{"id": "1", "score": 0.5}, {"id": "0"}]}, "the server returned 2 of 4 results: set send_top_n:"
         " true or max_documents: 2", 200, "vertex_rank"),
    Case({"results": results(3)}, "the server drops empty documents: add the text of document d3, or remove it;"
         " evalkit dataset check lists empty documents", 200),
    Case("<html>welcome</html>", f"requests are posted to url as it is: try url: {HOST}/v1/rerank", 200,
         url=f"{HOST}/"),
    Case("<html>welcome</html>", None, 200),
]  # fmt: skip

ADDRESSES = [
    *(Case({"detail": "Not Found"}, f"requests are posted to url as it is: try url: {full}", status, dialect, url)
      for status, dialect, url, full in (
          (404, "vllm", HOST, f"{HOST}/v1/rerank"), (405, "vllm", f"{HOST}/", f"{HOST}/v1/rerank"),
          (404, "vllm", f"{HOST}/v1", f"{HOST}/v1/rerank"), (404, "vllm", f"{HOST}/v1/", f"{HOST}/v1/rerank"),
          (404, "vllm", f"{HOST}/openai/v1", f"{HOST}/openai/v1/rerank"), (404, "tei", HOST, f"{HOST}/rerank"),
          (404, "vllm", f"{HOST}/v1/embeddings", f"{HOST}/v1/rerank"), (404, "nim", HOST, f"{HOST}/v1/ranking"),
          (404, "fireworks", f"{HOST}/inference/v1", f"{HOST}/inference/v1/rerank"),
          (404, "cohere_v2", f"{HOST}/v1", f"{HOST}/v1/rerank"),
          (404, "openrouter", f"{HOST}/api/v1", f"{HOST}/api/v1/rerank"), (200, "vllm", HOST, f"{HOST}/v1/rerank"),
          (404, "cohere_v2", HOST, f"{HOST}/v2/rerank"), (404, "deepinfra", HOST, f"{HOST}/v1/inference/m"))),
    Case("404 page not found", f"requests are posted to url as it is: try url: {HOST}/v1/rerank (Ollama has no rerank"
         " API; llama.cpp, vLLM and TEI have one)", 404, url=HOST),
    Case("404 page not found", "check url: the server has no such path (Ollama has no rerank API; llama.cpp, vLLM and"
         " TEI have one)", 404),
    Case({"detail": "Not Found"}, "check url: the path of the tei dialect is /rerank", 404, "tei"),
    Case({"detail": "Not Found"}, None, 404),
    Case({"detail": "Not Found"}, None, 404, "generic", f"{HOST}/my/ranks"),
    Case({"detail": "Not Found"}, None, 404, "elastic", f"{HOST}/_inference/rerank/my-model"),
    Case("<html>nothing here</html>", "check url: the path of the tei dialect is /rerank", 404, "tei"),
    Case({"detail": "Method Not Allowed"}, "check url: this path accepts no POST requests; the path of the vllm dialect"
         " is /v1/rerank", 405),
    Case({"message": "The model `m` does not exist."}, "set model to a name that the server knows; many servers list"
         f" their names at {HOST}/v1/models", 404),
    Case({"error": {"code": 404, "message": "no such model"}}, "set model to a name that the server knows; many servers"
         f" list their names at {HOST}/v1/models", 200),
    Case("Client sent an HTTP request to an HTTPS server.", f"set url: {HOST.replace('http:', 'https:')}/v1/rerank"),
    Case("<html>Forbidden</html>", "the reply is a web page, probably of a proxy or firewall: check that it lets the"
         " request pass, and check the key in API_KEY", 403),
    Case({"error": "missing x-api-key"}, 'set key_header: x-api-key and key_prefix: "": the server takes the key in'
         " this header", 401),
    Case({"error": "send the api-key header"}, 'set key_header: api-key and key_prefix: "": the server takes the key'
         " in this header", 401),
    Case({"error": "Invalid API-key provided."}, None, 401),
    Case({"message": "No API key found in request"}, "the key was sent in the header Authorization: set key_header and"
         ' key_prefix to what the API reads, e.g. key_header: X-API-Key and key_prefix: ""', 401),
    *(Case("moved", f"set url to {target}; redirects are not followed", status, headers={"location": location})
      for status, location, target in ((301, "/v2/rerank", f"{HOST}/v2/rerank"),
                                       (307, "https://h/v1/rerank", "https://h/v1/rerank"))),
    Case("moved", None, 302),
    Case({"detail": "Not Found"}, f"set url to {HOST}/v1/rerank", 404, url=f"{HOST}/v1/rerank/"),
    Case({"error": "no Authorization header"}, "the server takes the key in the header Authorization, not in Api-Key:"
         " check dialect", 401, "pinecone"),
    Case("", 'set key_prefix: "ApiKey ": the server takes keys of this kind', 401,
         headers={"www-authenticate": "ApiKey"}),
    Case("", None, 401, headers={"www-authenticate": "Bearer realm=x"}),
    Case({"detail": "pay first"}, "add credit to the account of the key, then rerun", 402),
    Case({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
         "add credit to the account of the key, then rerun", 200),
]  # fmt: skip

REQUESTS = [
    Case("the field `texts` is missing at line 1", "the server expects 'texts': set dialect: tei", 422),
    Case("Failed to deserialize: missing field `texts`", "the server expects 'texts': set dialect: tei", 422),
    Case({"detail": [{"loc": ["body", "passages"], "msg": "Field required"}]},
         "the server expects 'passages': set dialect: nim", 422),
    Case({"detail": [{"loc": ["body", "documents"], "msg": "Field required"}]}, "the server expects 'documents': set"
         " dialect to one of infinity, litellm_proxy, llamacpp, localai and 3 more", 422, "tei"),
    Case({"error": {"message": "missing field `queries`"}}, "the server expects 'queries': set dialect: deepinfra",
         url="https://api.deepinfra.com/v1/rerank"),
    Case({"message": "input is required"}, "the server expects 'input': set dialect: mixedbread", 400,
         url="https://api.mixedbread.com/x/rank"),
    Case({"message": "we need the input of more people"}, None),
    Case({"message": "a top_n must be given"}, "set send_top_n: true, which sends the number of documents as top_n"),
    Case({"message": "top_k is required"}, "set options: {top_k: N}, with N at least the number of documents of a"
         " request"),
    Case({"message": "top_n must be a positive integer"}, "set send_top_n: true, which sends the number of documents as"
         " top_n"),
    Case({"message": "top_n is required"}, None, options={"top_n": 100}),
    Case({"message": "there is no field 'top_k' here"}, "remove top_k from options: the server refuses it", 422,
         options={"top_k": 3}),
    Case({"message": "unknown field 'truncate'"}, "remove parameters.truncate from options: the server refuses it",
         options={"parameters.truncate": "END"}),
    Case({"message": "key [model] is not allowed"}, "the server refuses 'model': set dialect: generic and shape:"
         ' {model: ""}'),
    Case({"detail": [{"loc": ["body", "model"], "msg": "Extra inputs are not permitted"}]},
         "the server refuses 'model':"
         ' set dialect: generic and shape: {model: ""}', 422),
    Case({"message": "an unexpected thing"}, None),
]  # fmt: skip

TRUNCATES = {
    "vllm": "{truncate_prompt_tokens: -1}", "tei": "{truncate: true}", "nim": "{truncate: END}",
    "pinecone": "{parameters: {truncate: END}}", "jina": "{truncation: true}", "voyage": "{truncation: true}",
}  # fmt: skip
SAYS_TOO_LONG = (
    "This model's maximum context length is 512 tokens. However, you requested 900 tokens.",
    "Input validation error: `inputs` must have less than 512 tokens; the input is longer",
    "Input length 900 exceeds maximum allowed token size 512",
    "the input has 900 tokens and 512 are the most",
    "document at index 3 is too long",
)
TEXTS = [
    *(Case({"message": said}, f"set options: {setting} to let the server truncate texts that are too long", status,
           name)
      for name, setting in TRUNCATES.items() for said in SAYS_TOO_LONG for status in (400, 422)),
    Case({"message": SAYS_TOO_LONG[0]}, None, options={"truncate_prompt_tokens": -1}),
    Case({"message": SAYS_TOO_LONG[0]}, None, dialect="cohere_v2"),
    Case({"message": "invalid JSON: unexpected token, the longest is 3"}, None),
    Case({"error": {"message": "input (504 tokens) is too large to process. increase the physical batch size"}},
         "start llama.cpp with a --ubatch-size and --batch-size of at least the tokens of the longest pair", 500,
         "llamacpp"),
    Case({"detail": "the argument 'documents' has an empty string in it"}, "add the text of document d3, or remove it;"
         " evalkit dataset check lists empty documents", 400, "voyage"),
    Case({"message": "documents cannot be blank"}, "add the texts of documents d0, d1, or remove them; evalkit dataset"
         " check lists empty documents", documents=("", " \n")),
    Case({"message": "query must not be empty"}, "the query is empty: add its text or remove it; evalkit dataset check"
         " lists such queries", query=" "),
    Case({"message": "the list must not be empty"}, None, documents=("a",)),
    Case({"error": "batch size 4 > maximum allowed batch size 3"}, "set max_documents: 3", 422, "tei"),
    Case({"message": "at most 2 documents are allowed"}, "set max_documents: 2"),
    Case({"message": "at most 1000 documents are allowed"}, None),
    Case("", "set max_bytes or max_documents to the server's limit", 413),
    Case({"error": "the input is longer than the model allows: 305 tokens"}, "set options: {truncate_prompt_tokens: -1}"
         " to let the server truncate texts that are too long", 413),
    Case({"error": "CUDA out of memory. Tried to allocate 20 GiB"}, "set max_documents or max_tokens lower: the server"
         " has too little memory for such a request", 500),
    Case("", "shorten the document, or raise the server's limit: a request with one document is too large for it", 413,
         documents=("a",)),
]  # fmt: skip

ACCOUNT = "set requests_per_minute and tokens_per_minute to the limits of the account"
RATES = [
    Case({"message": "a trial key, which takes 10 calls in a minute"}, "set requests_per_minute: 10", 429),
    Case({"message": "limited to 40 API calls / minute"}, "set requests_per_minute: 40", 429),
    Case({"message": "limited to 1,000 requests per minute"}, "set requests_per_minute: 1000", 429),
    Case({"message": "on requests per min (RPM): Limit 3, Used 3"}, "set requests_per_minute: 3", 429),
    Case({"message": "on tokens per min (TPM): Limit 90000"}, "set tokens_per_minute: 90000", 429),
    Case({"message": "slow down"}, "set requests_per_minute: 20", 429, headers={"x-trial-endpoint-call-limit": "20"}),
    Case({"message": "slow down"}, ACCOUNT, 429),
    Case("", ACCOUNT, 429),
    Case({"code": "Throttling", "message": "too fast"}, ACCOUNT, 200),
    Case({"message": "10 requests per minute"}, "lower requests_per_minute (now 8) or concurrency: other calls may use"
         " the same key", 429, requests_per_minute=8.0),
    Case({"message": "10 requests per minute"}, "set requests_per_minute: 10", 429, requests_per_minute=60.0),
    Case({"message": "overloaded"}, None, 503),
]  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [*FORMS, *ADDRESSES, *REQUESTS, *TEXTS, *RATES],
    ids=lambda case: f"{case.status} {case.body}"[:60],
)
def test_evidence_gives_its_hint_and_no_other(case: Case) -> None:
    """The hint is that of the evidence; without any the error keeps the hint that it has."""
    before = "what the error says itself"
    error = advise(CallError("http", "failed", before), evidence_of(case))
    assert error.hint == (before if case.hint is None else case.hint)


def test_every_kind_of_evidence_has_a_case() -> None:
    """No function of the table is without a test."""
    cases = [evidence_of(case) for case in (*FORMS, *ADDRESSES, *REQUESTS, *TEXTS, *RATES) if case.hint]
    first = {next(hint for hint in HINTS if hint(one) is not None) for one in cases}
    assert first == set(HINTS)


@pytest.mark.parametrize("reply", PUBLISHED, ids=lambda reply: f"{reply.dialect} {reply.source}")
def test_a_reply_in_the_form_of_another_dialect_is_recognised(reply: Any) -> None:
    """Whatever dialect a reply is of, a dialect that cannot read it gets a hint with which it is read."""
    strange = registry.lookup("dialect", "generic")(Shape(results="elsewhere"))
    evidence = Evidence(
        exchange_of(reply.body, 200, reply.headers), f"{HOST}/v1/rerank", "generic", strange, {},
        WireRequest("m", "q", ("a", "b")),
    )  # fmt: skip
    hint = advise(CallError("reply", "no list"), evidence).hint
    assert hint is not None
    assert "dialect" in hint


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 600) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["results", "data", "error", "index", "score", "status", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(
    body=json_values,
    status=st.sampled_from([200, 400, 404, 405, 422, 429]),
    name=st.sampled_from(["vllm", "tei"]),
)
@settings(max_examples=300, deadline=None)
def test_no_reply_breaks_a_hint(body: Any, status: int, name: str) -> None:
    """Whatever JSON arrives with whatever status, there is a hint or none, and never an exception."""
    error = advise(CallError("http", "failed"), evidence_of(Case(body, None, status, name)))
    assert error.hint is None or "\n" not in error.hint
    advise_chat(error, exchange_of(body, status), None, "send less")


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (400, {"error": {"message": SAYS_TOO_LONG[0]}}, "send less"),
        (429, {"error": {"message": "3 requests per minute"}}, "set requests_per_minute: 3"),
        (200, {"error": {"message": "rate limit", "code": 429}}, ACCOUNT),
        (404, {"error": {"message": "model 'm' not found"}}, "set model to a name that the server knows"),
        (
            400,
            {"error": {"message": "Use 'max_completion_tokens' instead of 'max_tokens'."}},
            "set options: {max_completion_tokens: 4000}",
        ),
        (
            400,
            {"error": {"message": "'temperature' does not support 0 with this model"}},
            "set temperature to a value that the model accepts, such as 1",
        ),
        (400, {"error": {"message": "no"}}, "its own"),
    ],
)
def test_a_chat_api_gets_hints_too(status: int, body: Any, hint: str) -> None:
    """With the settings that chat backends have, and what its caller says of long questions."""
    error = CallError("http", "failed", "its own")
    assert advise_chat(error, exchange_of(body, status), None, "send less").hint == hint


def test_a_key_with_a_prefix_in_a_header_of_its_own_is_questioned() -> None:
    """Headers such as api-key hold the key alone, and the default prefix is that of Authorization."""
    dialect = opened("vllm")
    dialect.key_header = "api-key"
    evidence = Evidence(
        exchange_of({"error": "Unauthorized"}, 401), HOST, "vllm", dialect, {}, WireRequest("m", "q", ("a",)),
        key_variable="API_KEY",
    )  # fmt: skip
    hint = advise(CallError("http", "no"), evidence).hint
    assert hint == 'check the key in API_KEY; if api-key is to hold nothing else, set key_prefix: ""'
