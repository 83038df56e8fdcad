"""Stand-ins for rerank APIs of clouds, as published: strict about keys, limits and signatures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from support.aws_verifier import fault_of
from support.faulty import hashed_score

ACCESS_KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "eu-west-3"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": "session/token+of=the==test",
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
}
"""Credentials of the standard chain, without files and without the network."""
ARN = f"arn:aws:bedrock:{REGION}::foundation-model/"
MOST_SOURCES, MOST_CHARACTERS = 1000, 32_000
Reply = tuple[int, Any, dict[str, str]]


@dataclass(frozen=True)
class Asked:
    """One request as received; header names in lower case."""

    target: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The parsed JSON."""
        return orjson.loads(self.raw)


@dataclass
class Cloud:
    """What a stand-in was asked, and its address without a path."""

    origin: str = ""
    asked: list[Asked] = field(default_factory=list)


def refused(status: int, kind: str, message: str, **more: Any) -> Reply:
    """Return an error as AWS's JSON services write it: the type in a header, the message in the body."""
    suffix = ":http://internal.amazon.com/coral/com.amazon.bedrock/"
    return status, {"message": message, **more}, {"x-amzn-errortype": kind + suffix}


def signed_by_us(asked: Asked, service: str) -> Reply | None:
    """Return the refusal of a request whose signature is wrong; None if it is right."""
    fault = fault_of("POST", asked.target, asked.headers, asked.raw, SECRET, (REGION, service))
    if fault is None and asked.headers.get("x-amz-security-token") != ENVIRONMENT["AWS_SESSION_TOKEN"]:
        fault = "another session token"
    return None if fault is None else refused(403, "InvalidSignatureException", fault)


def scored(
    query: str, texts: list[str], index: str = "index", score: str = "relevance_score"
) -> list[dict[str, Any]]:
    """Return results best first."""
    results = [{index: i, score: hashed_score(query, text)} for i, text in enumerate(texts)]
    return sorted(results, key=lambda result: (-result[score], result[index]))


def only(body: Any, required: set[str], optional: set[str] = frozenset()) -> bool:  # type: ignore[assignment]
    """Return whether an object has exactly these keys."""
    return isinstance(body, dict) and required <= set(body) <= required | optional


def bedrock_rerank(page: int = MOST_SOURCES) -> Callable[[Asked], Reply]:
    """Return the Rerank API of Bedrock Agent Runtime; replies have at most `page` results."""

    def answer(asked: Asked) -> Reply:
        wrong = signed_by_us(asked, "bedrock")
        if wrong or asked.target != "/rerank":
            return wrong or refused(404, "UnknownOperationException", "no such operation")
        fault = _fault_of_rerank(asked.body)
        if fault:
            return refused(400, "ValidationException", fault)
        body = asked.body
        texts = [source["inlineDocumentSource"]["textDocument"]["text"] for source in body["sources"]]
        results = scored(body["queries"][0]["textQuery"]["text"], texts, score="relevanceScore")
        asked_for = body["rerankingConfiguration"]["bedrockRerankingConfiguration"].get("numberOfResults")
        start = int(body.get("nextToken", "0"))
        shown = results[:asked_for][start : start + page]
        more = {"nextToken": str(start + page)} if start + page < len(results[:asked_for]) else {}
        return 200, {"results": shown, **more}, {}

    return answer


def _fault_of_rerank(body: Any) -> str | None:
    """Return why the body violates the service model; None if it does not."""
    if not only(body, {"queries", "sources", "rerankingConfiguration"}, {"nextToken"}):
        return "unexpected or missing key"
    if not 1 <= len(body["sources"]) <= MOST_SOURCES:
        return "Value at 'sources' failed to satisfy constraint: Member must have length less than or equal to 1000"
    outer, query = body["rerankingConfiguration"], body["queries"]
    inner = outer.get("bedrockRerankingConfiguration")
    rules = {
        "outer": only(outer, {"type", "bedrockRerankingConfiguration"}),
        "type": outer.get("type") == "BEDROCK_RERANKING_MODEL",
        "inner": only(inner, {"modelConfiguration"}, {"numberOfResults"}),
        "model": ARN in dict(inner or {}).get("modelConfiguration", {}).get("modelArn", ""),
        "queries": len(query) == 1
        and only(query[0], {"type", "textQuery"})
        and only(query[0]["textQuery"], {"text"}),
    }
    broken = [name for name, kept in rules.items() if not kept]
    if broken:
        return f"violated: {broken}"
    return next(filter(None, map(_fault_of_source, range(1, MOST_SOURCES + 1), body["sources"])), None)


def _fault_of_source(number: int, source: Any) -> str | None:
    text = source["inlineDocumentSource"]["textDocument"]["text"]
    expected = {"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}}}
    if source != expected:
        return "a source is malformed"
    if 1 <= len(text) <= MOST_CHARACTERS:
        return None
    return (
        f"Value at 'sources.{number}.member.inlineDocumentSource.textDocument.text' failed to satisfy constraint:"
        f" Member must have length {'less' if text else 'greater'} than or equal to {MOST_CHARACTERS if text else 1}"
    )


def invoke(asked: Asked) -> Reply:
    """Answer as Bedrock Runtime's InvokeModel does for Cohere's and Amazon's rerank models."""
    wrong = signed_by_us(asked, "bedrock")
    if wrong:
        return wrong
    keys = {"/model/cohere.rerank-v3-5%3A0/invoke": {"api_version", "max_tokens_per_doc"},
            "/model/amazon.rerank-v1%3A0/invoke": set()}.get(asked.target)  # fmt: skip
    if keys is None:
        return refused(400, "ValidationException", "The provided model identifier is invalid.")
    body = asked.body
    if not only(body, {"query", "documents"}, {"top_n", *keys}):
        return refused(400, "ValidationException", "Malformed input request: extraneous key is not permitted")
    if keys and body.get("api_version", 1) < 2:
        return refused(400, "ValidationException", "api_version must be at least 2")
    return (
        200,
        {"results": scored(body["query"], body["documents"])},
        {"x-amzn-bedrock-invocation-latency": "31"},
    )


def endpoint(asked: Asked) -> Reply:
    """Answer as SageMaker Runtime's InvokeEndpoint does: ``cohere`` and ``tei`` are endpoints."""
    wrong = signed_by_us(asked, "sagemaker")
    body = asked.body
    if wrong:
        return wrong
    if asked.target == "/endpoints/cohere/invocations" and only(body, {"query", "documents", "api_version"}):
        return 200, {"results": scored(body["query"], body["documents"])}, {}
    if asked.target == "/endpoints/tei/invocations" and only(body, {"query", "texts"}):
        return 200, scored(body["query"], body["texts"], score="score"), {}
    return 400, {"Message": "Endpoint not found."}, {"x-amzn-errortype": "ValidationError"}


def workers_ai(asked: Asked) -> Reply:
    """Answer as Cloudflare Workers AI does; three results unless more are asked for."""
    if asked.headers.get("authorization") != "Bearer cf-token-of-the-test":
        return 401, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}],
                     "messages": [], "result": None}, {}  # fmt: skip
    body = asked.body
    fits = only(body, {"query", "contexts"}, {"top_k"}) and all(only(c, {"text"}) for c in body["contexts"])
    if asked.target != "/client/v4/accounts/acc0/ai/run/@cf/baai/bge-reranker-base" or not fits:
        return 400, {"success": False, "errors": [{"code": 5006, "message": "bad input"}], "messages": [],
                     "result": {}}, {}  # fmt: skip
    results = scored(body["query"], [c["text"] for c in body["contexts"]], "id", "score")
    shown = {"response": results[: body.get("top_k", 3)]}
    return 200, {"result": shown, "success": True, "errors": [], "messages": []}, {}


def foundry(asked: Asked) -> Reply:
    """Answer as a resource of Azure AI Foundry does: the key is in ``api-key``."""
    if asked.headers.get("api-key") != "azure-key-of-the-test":
        return 401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key"}}, {}
    if asked.target != "/providers/cohere/v2/rerank" or not only(asked.body, {"model", "query", "documents"}):
        return 404, {"error": {"code": "404", "message": "Resource not found"}}, {}
    results = scored(asked.body["query"], asked.body["documents"])
    return 200, {"id": "x", "results": results, "meta": {"billed_units": {"search_units": 1}}}, {}


@contextmanager
def cloud(answer: Callable[[Asked], Reply]) -> Iterator[Cloud]:
    """Serve `answer` on a free port of loopback."""
    made = Cloud()

    class Handler(BaseHTTPRequestHandler):
        """Hands every request to `answer`."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            """Answer, and write down the request."""
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, raw)
            made.asked.append(asked)
            try:
                status, body, headers = answer(asked)
            except orjson.JSONDecodeError:
                status, body, headers = refused(400, "SerializationException", "not JSON")
            content = orjson.dumps(body)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.origin = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def set_environment(
    set_variable: Callable[[str, str], None], variables: Mapping[str, str] = ENVIRONMENT
) -> None:
    """Set the credentials of the test, e.g. with ``monkeypatch.setenv``."""
    for name, value in variables.items():
        set_variable(name, value)
