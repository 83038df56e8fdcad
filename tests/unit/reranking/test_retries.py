"""Retries and giving up, with scripted rerankers."""

from __future__ import annotations

import threading

import pytest
from support.scripted import CONTEXT, Scripted, busy, failing, item, quick

from evalkit.errors import CallError, InputNote, Remedy
from evalkit.reranking import RerankerSession, RetryingCaller
from evalkit.reranking.retries import StoppedError


@pytest.mark.parametrize("times", [0, 1, 3])
def test_a_failure_that_passes_is_retried_under_one_name(times: int) -> None:
    """As many attempts as it takes, each recorded, all with one call id; only the last one counts."""
    reranker = Scripted(failing(times, busy))
    (outcome,) = RetryingCaller(RerankerSession("r", reranker, quick())).deliver(item(2), CONTEXT)
    assert outcome.failure is None
    assert [a.call.status for a in outcome.attempts] == ["retried"] * times + ["ok"]
    assert [a.call.attempt for a in outcome.attempts] == list(range(1, times + 2))
    assert len(set(reranker.call_ids)) == 1


def test_retries_end() -> None:
    """After the last allowed attempt the batch has failed, with the last failure as its cause."""
    (outcome,) = RetryingCaller(RerankerSession("r", Scripted(failing(9, busy)), quick(2))).deliver(
        item(2), CONTEXT
    )
    assert [a.call.status for a in outcome.attempts] == ["retried", "retried", "failed"]
    assert outcome.failure is not None


def test_a_permanent_failure_is_never_retried() -> None:
    """One attempt, and that is all."""
    reranker = Scripted(failing(9, lambda: CallError("http", "no", http_status=400)))
    (outcome,) = RetryingCaller(RerankerSession("r", reranker, quick())).deliver(item(2), CONTEXT)
    assert len(outcome.attempts) == 1


def test_whoever_asks_for_too_much_time_is_not_waited_for() -> None:
    """A wait beyond longest_wait_s fails the batch at once and says so."""
    failure = CallError("http", "busy", http_status=429, remedy=Remedy(transient=True, wait_s=3600))
    session = RerankerSession("r", Scripted(failing(9, lambda: failure)), quick(longest_wait_s=1))
    (outcome,) = RetryingCaller(session).deliver(item(2), CONTEXT)
    assert len(outcome.attempts) == 1
    assert "asks to wait 3600 s; longest_wait_s is 1" in failure.message


def test_a_wrong_key_closes_the_session() -> None:
    """After a failure that all calls would share nothing more is sent, and every batch says why."""
    reranker = Scripted(
        failing(99, lambda: CallError("http", "bad key", http_status=401, remedy=Remedy(permanent=True)))
    )
    session = RerankerSession("r", reranker, quick())
    first, second = (next(iter(RetryingCaller(session).deliver(item(2), CONTEXT))) for _ in range(2))
    assert len(first.attempts) == 1
    assert second.attempts == ()
    assert second.failure is not None
    assert "'r' was stopped after this failure: bad key" in second.failure.message
    assert len(reranker.sizes) == 1


def test_a_server_that_is_gone_is_given_up() -> None:
    """After some batches in a row that failed for good, no more time is spent on it."""
    reranker = Scripted(failing(999, busy))
    session = RerankerSession("r", reranker, quick(1))
    outcomes = [o for n in range(9) for o in RetryingCaller(session).deliver(item(2, str(n)), CONTEXT)]
    assert [len(o.attempts) for o in outcomes] == [2] * 5 + [0] * 4


def refused(wait_s: float | None = None, body: str = "busy") -> CallError:
    """Return a refusal for the rate."""
    remedy = Remedy(transient=True, wait_s=wait_s)
    return CallError("http", "returned 429: busy", http_status=429, body=body, remedy=remedy)


def test_refusals_for_the_rate_are_no_retries() -> None:
    """More of them than retries: the call succeeds, and nothing counts against the session."""
    session = RerankerSession("r", Scripted(failing(4, lambda: refused(0.01))), quick(1))
    (outcome,) = RetryingCaller(session).deliver(item(2), CONTEXT)
    assert [a.call.status for a in outcome.attempts] == ["retried"] * 4 + ["ok"]
    assert session.closed is None


def test_a_server_that_refuses_every_call_ends_the_session() -> None:
    """The failure names the setting; calls that wait for their turn meanwhile are not sent."""
    reranker = Scripted(failing(999, lambda: refused(0.01)))
    session = RerankerSession("r", reranker, quick(1, longest_wait_s=0.05))
    outcomes = [o for n in range(3) for o in RetryingCaller(session).deliver(item(2, str(n)), CONTEXT)]
    failure = outcomes[0].failure
    assert failure is not None
    assert "every call was refused" in failure.message
    assert "requests_per_minute" in (failure.hint or "")
    assert [len(o.attempts) for o in outcomes[1:]] == [0, 0]


def test_a_call_that_waits_for_its_turn_sees_that_the_session_was_closed() -> None:
    """It is not sent; its outcome says why."""
    reranker = Scripted(failing(0, busy))
    session = RerankerSession("r", reranker, quick())
    session.rate_limiter.pause(60)
    timer = threading.Timer(0.1, lambda: setattr(session, "closed", CallError("http", "gone")))
    timer.start()
    (outcome,) = RetryingCaller(session).deliver(item(2), CONTEXT)
    timer.join()
    assert (outcome.attempts, outcome.failure) == ((), session.closed)
    assert not reranker.sizes


def test_a_stopped_caller_ends_a_long_wait() -> None:
    """An interrupt does not wait for the end of a minute."""
    session, stop = RerankerSession("r", Scripted(failing(0, busy)), quick()), threading.Event()
    session.rate_limiter.pause(60)
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(StoppedError):
        list(RetryingCaller(session, stop=stop).deliver(item(2), CONTEXT))


def test_a_model_that_starts_is_no_failed_call() -> None:
    """The first calls wait for it, also where every other failure would be final."""
    body = '{"error": "Loading model", "retry_after": 0.01}'
    loading = lambda: CallError("http", "loading", http_status=503, body=body, remedy=Remedy(transient=True))  # noqa: E731
    session = RerankerSession("r", Scripted(failing(1, loading)), quick(1))
    with pytest.warns(InputNote, match="'r' is starting; waiting up to 1 s"):
        (outcome,) = RetryingCaller(session, retries_without_reply=False).deliver(item(2), CONTEXT)
    assert outcome.failure is None
