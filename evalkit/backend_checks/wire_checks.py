"""Check promises about an API's options, limits and refusals, with raw HTTP requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from evalkit.backend_checks.check_calls import CheckResult, broken, kept, not_testable
from evalkit.dialects import WireRequest
from evalkit.dialects.shape import dig, put
from evalkit.errors import CallError, shortened
from evalkit.http_client import Exchange, retry_after_s
from evalkit.records import RerankRequest
from evalkit.rerankers.failure_evidence import status_of
from evalkit.rerankers.http import Http
from evalkit.rerankers.http_failures import error_sentence
from evalkit.rerankers.http_settings import HttpSettings
from evalkit.reranking import RerankerSession

_ATTEMPTS = 3
"""Attempts of a request while the API returns 429."""
_SHOWN = 300
"""Characters of a server's sentence in the evidence above which its middle is left out."""
_ORDINARY = 11
"""Most requests of all checks that have no more documents than an ordinary one."""
_MOST_TRIED = 2048
"""Maximum documents that a probe sends in one request."""


class Wire:
    """Sends raw requests to an API, within its configured rate limits.

    Parameters
    ----------
    session
        Session of the API, with its rate limits.
    http
        The API.
    request
        A request that is known to succeed.
    """

    def __init__(self, session: RerankerSession, http: Http, request: RerankRequest) -> None:
        self._session = session
        self.http = http
        self.shape = http.dialect.shape
        self.request = http.wire_request(request)

    def send(self, request: WireRequest) -> Exchange:
        """Send a request in the API's format."""
        return self.send_body(self.body(request))

    def body(self, request: WireRequest) -> Any:
        """Return the JSON body of a request."""
        return self.http.body_of(request)

    def send_body(self, body: Any, headers: Mapping[str, str] | None = None) -> Exchange:
        """Send any body: bytes unchanged, everything else as JSON."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        limiter = self._session.rate_limiter
        for _ in range(_ATTEMPTS):
            turn = limiter.wait_turn(0, time.sleep)
            try:
                exchange = self.http.connections.post(raw, headers)
                if exchange.status != 429:
                    limiter.accept(turn)
                    break
                asked = retry_after_s(exchange.headers)
                longest = self._session.traffic.longest_wait_s
                limiter.refuse(turn, None if asked is None else min(asked, longest))
            finally:
                limiter.drop(turn)
        return exchange

    def results(self, exchange: Exchange) -> list[Any] | None:
        """Return the list of results in a reply; None if the reply has none."""
        if exchange.status != 200:
            return None
        try:
            found = self.http.dialect.results_in(orjson.loads(exchange.content))
        except (orjson.JSONDecodeError, CallError):
            return None
        return found if isinstance(found, list) else None

    def scores(self, exchange: Exchange, request: WireRequest) -> list[float] | None:
        """Return the scores of a reply; None if it is not a correct reply."""
        if exchange.status != 200:
            return None
        try:
            return list(self.http.decode(exchange, request).scores)
        except CallError:
            return None


def probe_wire(session: RerankerSession, http: Http, request: RerankRequest) -> Iterator[CheckResult]:
    """Yield the result of every check, given a request that is known to succeed."""
    wire = Wire(session, http, request)
    for promise, test in PROMISES.items():
        try:
            yield test(wire, promise)
        except CallError as error:
            yield broken(promise, error.message + (f" (hint: {error.hint})" if error.hint else ""))


def _refusal(wire: Wire, exchange: Exchange) -> str:
    """Return the status and error message of a reply, for the evidence."""
    text = shortened(error_sentence(exchange, wire.http.dialect), _SHOWN)
    return f"{exchange.status}{f': {text}' if text else ', empty body'}"


def _refused(wire: Wire, exchange: Exchange, promise: str, if_accepted: str) -> CheckResult:
    """Return ``kept`` if a bad request got a status 4xx, else ``broken``; `if_accepted` is the evidence for 200.

    An error inside a reply with status 200 counts as the status that belongs to it.
    """
    status = status_of(exchange, wire.http.dialect)
    if 400 <= status < 500:
        return kept(promise, f"refused: {_refusal(wire, exchange)}")
    if status == 200:
        return broken(promise, if_accepted)
    return broken(promise, f"returned {_refusal(wire, exchange)}")


def _names_documents(wire: Wire, promise: str) -> CheckResult:
    shape = wire.shape
    if not shape.return_documents or not shape.echo:
        return not_testable(promise, "the API has no such option")
    results = wire.results(wire.send(replace(wire.request, return_documents=True)))
    if results is None:
        return broken(promise, "the option is refused, or the reply contains no list")
    for entry in results:
        found = dig(entry, shape.echo)
        text = next(iter(_texts(found)), None)
        index = str(dig(entry, shape.index or ""))
        # A server may strip leading and trailing white space.
        sent = wire.request.documents[int(index)] if index.isdigit() else ""
        if text is None or text.strip() != sent.strip():
            return broken(promise, f"index {index} was returned with the text {str(text)[:60]!r}")
    return kept(promise, f"{len(results)} documents compared")


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        yield from (value for value in found.values() if isinstance(value, str))


def _top_n(wire: Wire, promise: str) -> CheckResult:
    shape = wire.shape
    if not shape.top_n or not shape.score:
        return not_testable(promise, "the API has no such option")
    every = wire.results(wire.send(wire.request)) or []
    cut = wire.results(wire.send(replace(wire.request, top_n=2)))
    more = wire.results(wire.send(replace(wire.request, top_n=len(wire.request.documents) + 5)))
    if cut is None or more is None:
        return broken(promise, "the option is refused, or the reply contains no list")
    wanted = sorted((float(dig(r, shape.score)) for r in every), reverse=True)[:2]
    best = [float(dig(r, shape.score)) for r in cut]
    if len(cut) != 2 or any(abs(a - b) > 1e-4 * max(1.0, abs(b)) for a, b in zip(best, wanted, strict=True)):
        return broken(
            promise, f"top_n=2 returned {len(cut)} results with scores {best[:3]}; the best two are {wanted}"
        )
    if len(more) != len(wire.request.documents):
        return broken(
            promise,
            f"top_n above the number of documents returned {len(more)} of {len(wire.request.documents)}",
        )
    return kept(
        promise, f"top_n=2 returned 2 of {len(every)}; top_n above the number of documents returned all"
    )


def _no_documents_unasked(wire: Wire, promise: str) -> CheckResult:
    shape = wire.shape
    if not shape.return_documents or not shape.echo:
        return not_testable(promise, "the API has no such option")
    results = wire.results(wire.send(wire.request)) or []
    echoed = sum(any(_texts(dig(entry, shape.echo))) for entry in results)
    return (broken if echoed else kept)(promise, f"{echoed} of {len(results)} results contain a document")


def _strings_and_objects(wire: Wire, promise: str) -> CheckResult:
    if not wire.shape.objects:
        return not_testable(promise, "the API documents only one form")
    body = wire.body(wire.request)
    put(body, wire.shape.documents, [{"text": text} for text in wire.request.documents])
    as_objects = wire.scores(wire.send_body(body), wire.request)
    as_strings = wire.scores(wire.send(wire.request), wire.request)
    if as_objects is None or as_strings is None:
        return broken(promise, "one of the two forms is refused")
    moved = max(abs(a - b) for a, b in zip(as_objects, as_strings, strict=True))
    return (kept if moved <= 1e-6 else broken)(promise, f"largest difference {moved:.2g}")


def _empty_list(wire: Wire, promise: str) -> CheckResult:
    return _refused(
        wire, wire.send(replace(wire.request, documents=())), promise, "returned 200 with an empty list"
    )


def _many(wire: Wire, count: int) -> WireRequest:
    return replace(wire.request, documents=_texts_of(count))


def _texts_of(count: int) -> tuple[str, ...]:
    return tuple(f"document {i}" for i in range(count))


def _testable_maximum(wire: Wire, promise: str) -> int | CheckResult:
    """Return the maximum documents of a request; a result if it is unknown or too large to test."""
    limit = wire.http.settings.max_documents or wire.http.dialect.max_documents
    if limit is None:
        return not_testable(promise, "no maximum is documented")
    return limit if limit <= _MOST_TRIED else not_testable(promise, f"{limit} is more than a probe sends")


def _documented_maximum(wire: Wire, promise: str) -> CheckResult:
    limit = _testable_maximum(wire, promise)
    if isinstance(limit, CheckResult):
        return limit
    request = _many(wire, limit)
    exchange = wire.send(request)
    if wire.scores(exchange, request) is None:
        return broken(
            promise,
            f"{limit} documents: {_refusal(wire, exchange) if exchange.status != 200 else 'invalid reply'}",
        )
    return kept(promise, f"{limit} documents scored")


def _beyond_maximum(wire: Wire, promise: str) -> CheckResult:
    limit = _testable_maximum(wire, promise)
    if isinstance(limit, CheckResult):
        return limit
    request = _many(wire, limit + 1)
    exchange = wire.send(request)
    if wire.scores(exchange, request) is not None:
        return kept(promise, f"{limit + 1} documents scored")
    return _refused(wire, exchange, promise, f"{limit + 1} documents: not all were returned")


def _unknown_model(wire: Wire, promise: str) -> CheckResult:
    if not wire.shape.model:
        return not_testable(promise, "requests of this API contain no model")
    exchange = wire.send(replace(wire.request, model="evalkit-no-such-model"))
    return _refused(wire, exchange, promise, "returned 200 for a model that does not exist")


def _bad_key(wire: Wire, promise: str) -> CheckResult:
    if not wire.http.settings.api_key_env:
        return not_testable(promise, "no key is configured")
    wrong = wire.http.dialect.headers("evalkit-wrong-key")
    exchange = wire.send_body(wire.body(wire.request), wrong)
    return _refused(wire, exchange, promise, "returned 200: the key is not checked")


def _bad_json(wire: Wire, promise: str) -> CheckResult:
    return _refused(wire, wire.send_body(b'{"query": '), promise, "returned 200")


PROMISES: Mapping[str, Callable[[Wire, str], CheckResult]] = {
    "return_documents returns the document of each index": _names_documents,
    "top_n returns the best n results": _top_n,
    "documents are returned only on request": _no_documents_unasked,
    "strings and {text} objects get the same scores": _strings_and_objects,
    "an empty list of documents is refused": _empty_list,
    "the documented maximum number of documents is scored": _documented_maximum,
    "one document above the maximum is scored or refused, never dropped": _beyond_maximum,
    "an unknown model is refused": _unknown_model,
    "an invalid key is refused": _bad_key,
    "a body that is not JSON is refused": _bad_json,
}


def most_wire_requests(request: RerankRequest, settings: HttpSettings) -> Iterator[RerankRequest]:
    """Yield the requests that `probe_wire` sends at most, without retries."""
    yield from [request] * _ORDINARY
    limit = settings.most_documents()
    for count in (limit, limit + 1) if limit is not None and limit <= _MOST_TRIED else ():
        yield replace(request, documents=_texts_of(count), doc_ids=tuple(map(str, range(count))))
