"""All checks of one backend: which are made of which, in which order."""

from __future__ import annotations

import pytest
from support.checked import Backend, api, exchanged, request

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


def test_an_api_that_refuses_a_plain_call_is_not_probed() -> None:
    """Its refusal is the error, and nothing else is sent."""
    session, lines = api(lambda _body, _headers: (400, {"error": {"message": "no"}}))
    with pytest.raises(CallError, match="returned 400: no"):
        list(probe(session, "tiny", [request()], exchanged()))
    assert len(lines.sent) == 1
