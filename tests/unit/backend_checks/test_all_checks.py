"""All checks of one backend: which are made of which, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support.checked import Backend, api, exchanged, honest, refusal, request

from evalkit.backend_checks import score_checks, wire_checks
from evalkit.backend_checks.all_checks import probe
from evalkit.errors import CallError


def test_a_backend_in_this_process_makes_no_promises_of_an_api() -> None:
    """Only its scores are looked at."""
    found = [one.promise for one in probe(Backend().session(), "tiny", [request()], exchanged())]
    assert set(score_checks.PROMISES) < set(found)
    assert not set(wire_checks.PROMISES) & set(found)


def test_an_api_is_asked_for_both() -> None:
    """First its scores, then its options, limits and refusals; no promise comes twice."""
    session, _ = api()
    found = [one.promise for one in probe(session, "tiny", [request(0), request(1)], exchanged())]
    assert found[-len(wire_checks.PROMISES) :] == list(wire_checks.PROMISES)
    assert set(score_checks.PROMISES) < set(found)
    assert len(set(found)) == len(found)


def test_findings_come_as_the_calls_are_made() -> None:
    """The first finding is there before the second question is asked."""
    session, lines = api()
    findings = probe(session, "tiny", [request()], exchanged())
    assert not lines.sent
    assert next(findings).verdict == "kept"
    assert len(lines.sent) == 1


def test_an_api_that_refuses_plain_calls_is_not_probed() -> None:
    """Its refusal is the error; nothing is sent but one request with short texts, which it refuses, too."""
    session, lines = api(lambda _body, _headers: (400, {"error": {"message": "no"}}))
    with pytest.raises(CallError, match="returned 400: no"):
        list(probe(session, "tiny", [request()], exchanged()))
    assert len(lines.sent) == 2


def test_an_api_that_refuses_the_first_request_is_probed_with_the_next_one() -> None:
    """A text that is refused is no reason to check nothing; the evidence says what was refused."""

    def answer(body: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
        return refusal("a word is not wanted") if "query 0" in str(body) else honest(body, headers)

    session, _ = api(answer)
    found = list(probe(session, "tiny", [request(0), request(1)], exchanged()))
    assert found[0].verdict == "kept"
    assert found[0].evidence.startswith("6 documents, 6 scores of query 'q1'; not the first one: ")
    assert found[0].evidence.endswith("returned 400: a word is not wanted")
    assert len(found) > 10
