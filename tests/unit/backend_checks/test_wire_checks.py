"""Promises of an API: each one broken by a server that breaks it alone, and kept by an honest one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support.checked import KEY_VARIABLE, Answer, api, honest, refusal, request
from support.stand_in import by_length

from evalkit.backend_checks.check_calls import CheckResult
from evalkit.backend_checks.wire_checks import PROMISES, Wire, probe_wire
from evalkit.errors import CallError
from evalkit.rerankers.http import Http

ECHO = "return_documents returns the document of each index"
TOP_N = "top_n returns the best n results"
UNASKED = "documents are returned only on request"
OBJECTS = "strings and {text} objects get the same scores"
EMPTY = "an empty list of documents is refused"
MAXIMUM = "the documented maximum number of documents is scored"
BEYOND = "one document above the maximum is scored or refused, never dropped"
MODEL = "an unknown model is refused"
KEY = "an invalid key is refused"
JSON = "a body that is not JSON is refused"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure a key."""
    monkeypatch.setenv(KEY_VARIABLE, "right")


def probe(answer: Answer, **settings: Any) -> dict[str, CheckResult]:
    """Return what is found, by promise."""
    session, _ = api(answer, **{"api_key_env": KEY_VARIABLE, **settings})
    assert isinstance(session.reranker, Http)
    return {one.promise: one for one in probe_wire(session, session.reranker, request())}


def changed(change: Callable[[list[dict[str, Any]], Any], list[dict[str, Any]]]) -> Answer:
    """Return an honest server that changes its lists."""

    def answer(body: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
        status, reply = honest(body, headers)
        return (
            (status, {**reply, "results": change(reply["results"], body)})
            if status == 200
            else (status, reply)
        )

    return answer


def instead(when: Callable[[Any, Mapping[str, str]], bool], status: int, reply: Any) -> Answer:
    """Return an honest server that answers otherwise where a function says so."""
    return lambda body, headers: (status, reply) if when(body, headers) else honest(body, headers)


def is_body(test: Callable[[Any], bool]) -> Callable[[Any, Mapping[str, str]], bool]:
    """Return a condition on bodies that are JSON."""
    return lambda body, _headers: isinstance(body, dict) and test(body)


def many(body: Any) -> bool:
    """Return whether a body holds more documents than a query has candidates."""
    return len(body["documents"]) > 10


def without_top_n(body: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Answer as if the option were not there."""
    return honest(
        {k: v for k, v in body.items() if k != "top_n"} if isinstance(body, dict) else body, headers
    )


GOOD = by_length({"model": "m", "documents": ["a", "b", "c", "d", "e", "f"]}, {})[1]


def test_an_honest_server_keeps_every_promise() -> None:
    """All promises are looked at in their order, each with evidence."""
    found = probe(honest)
    assert list(found) == list(PROMISES)
    assert {one.verdict for one in found.values()} == {"kept"}, found
    assert all(one.evidence for one in found.values())


BREAKS: dict[str, tuple[Answer, set[str]]] = {
    "no echo": (changed(lambda results, _: [{**one, "document": None} for one in results]), {ECHO}),
    "the echo of a neighbour": (
        changed(
            lambda results, body: (
                [{**one, "document": "other"} for one in results] if body.get("return_documents") else results
            )
        ),
        {ECHO},
    ),
    "the option for documents is refused": (
        instead(is_body(lambda b: "return_documents" in b), *refusal("no option")),
        {ECHO},
    ),
    "documents unasked": (
        changed(lambda results, _: [{**one, "document": "x"} for one in results]),
        {ECHO, UNASKED},
    ),
    "top_n ignored": (without_top_n, {TOP_N}),
    "top_n gives the worst": (
        changed(
            lambda results, body: (
                results if body.get("top_n", 9) > 2 else [{**one, "relevance_score": 0.0} for one in results]
            )
        ),
        {TOP_N},
    ),
    "top_n beyond the list cuts it": (
        changed(
            lambda results, body: results[:-1] if body.get("top_n", 0) > len(body["documents"]) else results
        ),
        {TOP_N},
    ),
    "top_n is refused": (instead(is_body(lambda b: "top_n" in b), *refusal("no option")), {TOP_N}),
    "objects are refused": (
        instead(is_body(lambda b: any(isinstance(d, dict) for d in b["documents"])), *refusal("text only")),
        {OBJECTS},
    ),
    "objects are other documents": (
        changed(
            lambda results, body: [
                {
                    **one,
                    "relevance_score": one["relevance_score"]
                    / (2 if isinstance(body["documents"][0], dict) else 1),
                }
                for one in results
            ]
        ),
        {OBJECTS},
    ),
    "an empty list is answered": (
        instead(is_body(lambda b: not b["documents"]), 200, {"results": []}),
        {EMPTY},
    ),
    "an empty list is a crash": (
        instead(is_body(lambda b: not b["documents"]), 500, b"<html>oops</html>"),
        {EMPTY},
    ),
    "the maximum is too many": (instead(is_body(many), *refusal("too many")), {MAXIMUM}),
    "the maximum loses documents": (
        changed(lambda results, body: results[:900] if many(body) else results),
        {MAXIMUM},
    ),
    "one more is dropped": (instead(is_body(lambda b: len(b["documents"]) > 1000), 200, GOOD), {BEYOND}),
    "one more is a crash": (instead(is_body(lambda b: len(b["documents"]) > 1000), 503, b""), {BEYOND}),
    "any model": (instead(is_body(lambda b: b["model"] != "m"), 200, GOOD), {MODEL}),
    "any key": (lambda body, _headers: honest(body, {}), {KEY}),
    "any JSON": (instead(lambda body, _: isinstance(body, bytes), 200, GOOD), {JSON}),
    "bad JSON is a crash": (instead(lambda body, _: isinstance(body, bytes), 500, b""), {JSON}),
}


@pytest.mark.parametrize("how", BREAKS)
def test_what_is_broken_is_found_and_nothing_else(how: str) -> None:
    """A server with one fault breaks the promises that the fault concerns."""
    answer, broken = BREAKS[how]
    found = probe(answer)
    assert {one.promise for one in found.values() if one.verdict == "broken"} == broken


def test_the_evidence_names_what_came_back() -> None:
    """Status and the server's own words, or that it had none."""
    assert probe(honest)[EMPTY].evidence == "refused: 400: model or number of documents"
    assert probe(honest)[KEY].evidence == "refused: 401: bad key"
    crash = probe(BREAKS["bad JSON is a crash"][0])[JSON]
    assert crash.evidence == "returned 500, empty body"
    page = probe(BREAKS["an empty list is a crash"][0])[EMPTY]
    assert page.evidence == "returned 500: <html>oops</html>"
    assert probe(honest)[MAXIMUM].evidence == "1000 documents scored"
    refused = probe(BREAKS["the maximum is too many"][0])
    assert refused[MAXIMUM].evidence == "1000 documents: 400: too many"
    assert refused[BEYOND].verdict == "kept"


def test_more_than_the_maximum_may_be_scored() -> None:
    """A server that takes more than it documents breaks nothing."""
    found = probe(honest, max_documents=500)
    assert found[BEYOND].evidence == "501 documents scored"


def test_what_an_api_does_not_have_is_not_tested() -> None:
    """No option, no limit, no key, no model in the request: each says why."""
    found = probe(honest, api_key_env=None)
    assert (found[KEY].verdict, found[KEY].evidence) == ("not testable", "no key is configured")
    shape = {"model": "", "top_n": "", "return_documents": ""}
    bare = probe(lambda body, headers: honest({**body, "model": "m"} if isinstance(body, dict) else body, headers),
                 dialect="generic", shape=shape)  # fmt: skip
    for promise in (ECHO, TOP_N, UNASKED, OBJECTS, MAXIMUM, BEYOND, MODEL):
        assert bare[promise].verdict == "not testable", promise
    assert bare[MAXIMUM].evidence == "no maximum is documented"
    huge = probe(honest, max_documents=5000)
    assert huge[MAXIMUM].evidence == huge[BEYOND].evidence == "5000 is more than a probe sends"


def test_a_server_that_is_gone_breaks_what_was_asked_of_it() -> None:
    """A call that cannot be made is the evidence; the next promise is looked at all the same."""

    def answer(body: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
        if isinstance(body, dict) and "top_n" in body:
            raise CallError("connect", "cannot reach it")
        return honest(body, headers)

    found = probe(answer)
    assert (found[TOP_N].verdict, found[TOP_N].evidence) == ("broken", "cannot reach it")
    assert found[JSON].verdict == "kept"


@pytest.mark.parametrize(("refusals", "status"), [(0, 200), (2, 200), (3, 429), (9, 429)])
def test_a_refusal_for_the_number_of_requests_is_waited_out(refusals: int, status: int) -> None:
    """Three attempts at most, each after the wait that the server asks for."""
    busy = iter(range(refusals))
    session, lines = api(
        lambda body, headers: (
            refusal("slow down", 429) if next(busy, None) is not None else honest(body, headers)
        )
    )
    lines.headers = {"retry-after": "0.001"}
    assert isinstance(session.reranker, Http)
    wire = Wire(session, session.reranker, request())
    assert wire.send(wire.request).status == status
    assert len(lines.sent) == min(refusals + 1, 3)


@pytest.mark.parametrize(
    ("status", "reply"),
    [(500, {"results": [1]}), (200, b"<html>"), (200, {"results": 3}), (200, {}), (200, [])],
    ids=str,
)
def test_what_is_no_good_reply_has_no_list(status: int, reply: Any) -> None:
    """Neither results nor scores come of it, and no error either."""
    session, _ = api(lambda _body, _headers: (status, reply))
    assert isinstance(session.reranker, Http)
    wire = Wire(session, session.reranker, request())
    exchange = wire.send(wire.request)
    assert wire.results(exchange) is None
    assert wire.scores(exchange, wire.request) is None


@pytest.mark.parametrize(
    ("error", "evidence"),
    [({"code": 401, "message": "bad key"}, "refused: 200: bad key"),
     ({"code": 503, "message": "busy"}, "returned 200: busy")],
)  # fmt: skip
def test_a_refusal_inside_a_200_counts_as_its_status(error: Any, evidence: str) -> None:
    """Some APIs and gateways send every error so."""
    wrong_key = instead(lambda _body, headers: "wrong" in str(headers), 200, {"error": error})
    found = probe(wrong_key)[KEY]
    assert found.evidence == evidence
    assert found.verdict == ("kept" if "refused" in evidence else "broken")
