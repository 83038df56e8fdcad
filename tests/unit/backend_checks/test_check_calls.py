"""Single requests of a check: what comes of each, and that a failure stops nothing."""

from __future__ import annotations

import numpy as np
import pytest
from support.checked import Backend, by_pair, request
from support.scripted import busy

from evalkit.backend_checks.check_calls import CheckCaller
from evalkit.errors import CallError, Remedy
from evalkit.records import RerankRequest, RerankResponse


def asker(backend: Backend) -> CheckCaller:
    """Return what asks a backend."""
    return CheckCaller(backend.session(), "tiny")


def test_scores_come_in_the_order_of_the_request() -> None:
    """Three ways to ask give the same scores."""
    ask, one = asker(Backend()), request()
    outcome = ask.outcome(one)
    assert isinstance(outcome, RerankResponse)
    assert outcome.scores.tolist() == by_pair(one)
    assert ask.must_score(one).tolist() == by_pair(one)
    scores = ask.scores(one)
    assert scores is not None
    assert scores.tolist() == by_pair(one)


def test_a_failure_is_an_outcome_none_or_an_error() -> None:
    """Each way to ask has its own way to say that a request failed; the failure keeps its status."""
    ask = asker(Backend(lambda _one: CallError("http", "returned 400: no", http_status=400)))
    outcome = ask.outcome(request())
    assert isinstance(outcome, CallError)
    assert (outcome.message, outcome.http_status) == ("returned 400: no", 400)
    assert ask.scores(request()) is None
    with pytest.raises(CallError, match="returned 400: no"):
        ask.must_score(request())


@pytest.mark.parametrize("wrong", [[0.5], [np.nan] * 6, [np.inf] * 6, [0.1] * 7], ids=str)
def test_what_is_no_score_for_every_document_is_a_failure(wrong: list[float]) -> None:
    """Too few, too many or infinite scores never come back as scores."""
    assert asker(Backend(lambda _one: wrong)).scores(request()) is None


def test_what_may_pass_is_asked_again() -> None:
    """A refusal that may pass is retried as in a run; the answer counts."""
    failures = iter([busy(), busy()])
    backend = Backend(lambda one: next(failures, None) or by_pair(one))
    assert asker(backend).scores(request()) is not None
    assert len(backend.asked) == 3


def test_what_cannot_pass_is_asked_once() -> None:
    """A permanent refusal costs one call."""
    backend = Backend(lambda _one: CallError("http", "no", http_status=400))
    asker(backend).outcome(request())
    assert len(backend.asked) == 1


def test_a_list_that_is_too_long_is_not_split() -> None:
    """A check asks about this list: two halves that succeed would say nothing of it."""
    too_large = CallError("http", "too large", http_status=413, remedy=Remedy(too_large=True))
    backend = Backend(lambda one: too_large if len(one.documents) > 2 else by_pair(one))
    outcome = asker(backend).outcome(request())
    assert isinstance(outcome, CallError)
    assert [len(one.documents) for one in backend.asked] == [6]


def test_a_check_asks_on_where_a_run_gives_up() -> None:
    """Failures that would close a reranker for a run, and many in a row, keep no later request from being sent."""
    closing = CallError("http", "bad key", http_status=401, remedy=Remedy(permanent=True))
    failures = iter([closing] * 20)

    def answer(one: RerankRequest) -> object:
        return next(failures, None) or by_pair(one)

    backend = Backend(answer)
    ask = asker(backend)
    outcomes = [ask.outcome(request(number)) for number in range(21)]
    assert [isinstance(outcome, CallError) for outcome in outcomes] == [True] * 20 + [False]
    assert len(backend.asked) == 21
