"""What the checks of backends look at: a backend in this process, and an API without a network."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from evalkit.backend_checks import ExchangedQueries
from evalkit.errors import CallError
from evalkit.http_client import Exchange
from evalkit.records import RerankRequest, RerankResponse, ScoreKind, Usage
from evalkit.rerankers import load_reranker
from evalkit.reranking import RerankerSession
from support.faulty import hashed_score, results_of
from support.scripted import quick

Answer = Callable[[Any, Mapping[str, str]], tuple[int, Any]]
"""Body of a request (bytes where they are no JSON) and its own headers in; status and body of the reply out."""
DOCUMENTS = ("a cat on the roof", "a dog", "birds in the garden", "fish", "roofs", "a long tail")
KEY_VARIABLE = "TEST_CHECK_KEY"


def request(number: int = 0, documents: tuple[str, ...] = DOCUMENTS) -> RerankRequest:
    """Return a request whose query is its number."""
    return RerankRequest(f"q{number}", f"query {number}", documents, tuple(map(str, range(len(documents)))))


def exchanged(
    queries: int = 4, documents: tuple[str, ...] = DOCUMENTS, answerable: int = 2
) -> ExchangedQueries:
    """Return requests of a few queries for the same documents."""
    requests = tuple(request(number, documents) for number in range(queries))
    return ExchangedQueries("tiny", requests, answerable)


def by_pair(request: RerankRequest) -> list[float]:
    """Score every pair by its hash: honest, deterministic, pointwise."""
    return [hashed_score(request.query, text) for text in request.documents]


@dataclass
class Backend:
    """A backend in this process.

    Attributes
    ----------
    answer
        Scores of a request, or a `CallError`, raised or returned.
    order
        Indices of the backend's own list, from the scores; None where it gives none.
    asked
        Requests, in turn.
    """

    answer: Callable[[RerankRequest], Any] = by_pair
    score_kind: ScoreKind = "probability"
    pointwise: bool = True
    order: Callable[[Any], Any] | None = None
    usage: Usage = field(default_factory=Usage)
    asked: list[RerankRequest] = field(default_factory=list)

    def score(self, request: RerankRequest) -> RerankResponse:
        """Answer."""
        self.asked.append(request)
        scores = self.answer(request)
        if isinstance(scores, CallError):
            raise scores
        order = None if self.order is None else np.asarray(self.order(np.asarray(scores)))
        return RerankResponse(np.asarray(scores, dtype=np.float64), order=order, usage=self.usage)

    def close(self) -> None:
        """Do nothing."""

    def session(self) -> RerankerSession:
        """Return a session that retries at once."""
        return RerankerSession("r", self, quick())


def honest(body: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Answer as the documentation of the API has it."""
    if isinstance(body, bytes):
        return refusal("no JSON")
    if "wrong" in headers.get("Authorization", ""):
        return 401, {"error": {"message": "bad key"}}
    texts = [one["text"] if isinstance(one, dict) else one for one in body["documents"]]
    if body["model"] != "m" or not 0 < len(texts) <= 1000:
        return refusal("model or number of documents")
    results = results_of({**body, "documents": texts})[: body.get("top_n")]
    if body.get("return_documents"):
        results = [{**one, "document": texts[one["index"]]} for one in results]
    return 200, {"model": body["model"], "results": results}


def refusal(message: str, status: int = 400) -> tuple[int, Any]:
    """Return a refusal in the API's words."""
    return status, {"error": {"message": message}}


@dataclass
class Lines:
    """Connections that hand every request to a function.

    Attributes
    ----------
    sent
        Bodies of requests, in turn.
    headers
        Of every reply.
    """

    answer: Answer
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: list[Any] = field(default_factory=list)
    url: str = "http://api.test/v1/rerank"
    display_url: str = "http://api.test/v1/rerank"

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Exchange:
        """Answer one request."""
        try:
            asked = orjson.loads(body)
        except orjson.JSONDecodeError:
            asked = body
        self.sent.append(asked)
        status, reply = self.answer(asked, headers or {})
        now = time.perf_counter()
        content = reply if isinstance(reply, bytes) else orjson.dumps(reply)
        return Exchange(
            status, self.headers, content, reused=True, start_s=now, sent_s=now, headers_s=now, body_s=now
        )

    def close(self) -> None:
        """Do nothing."""


def api(answer: Answer = honest, **settings: Any) -> tuple[RerankerSession, Lines]:
    """Return a session with an API that a function answers for, and its connections."""
    http = load_reranker("http", **{"url": Lines.url, "model": "m", **settings})
    http.close()
    lines = Lines(answer)
    http.connections = lines
    return RerankerSession("api", http, quick()), lines
