"""Retries, waits, limits, halving and spending, with scripted rerankers and clocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest

from evalkit.config import Price, Traffic
from evalkit.errors import RETRYABLE, BudgetError, CallError, Remedy
from evalkit.http_client import Redactor, rate_limit_reset_s, retry_after_s
from evalkit.records import RerankRequest, RerankResponse, ScoreKind, Usage
from evalkit.reranking import Batch, Budget, CallContext, RerankerSession, RetryingCaller, Sender
from evalkit.reranking.batching import Caps, _ends
from evalkit.reranking.token_estimates import TokenEstimate, expected_usage

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
CONTEXT = CallContext("tiny", "r", "quality")


def priced(way: str, rate: float) -> Price:
    """Return a price."""
    return Price.model_validate_json(f'{{"as_of": "2026-11-22", "{way}": {rate}}}')


class Scripted:
    """A reranker that does what a function says."""

    score_kind: ScoreKind = "unknown"

    def __init__(self, answer: Callable[[RerankRequest], Usage], *, pointwise: bool = True) -> None:
        self._answer = answer
        self.pointwise = pointwise
        self.sizes: list[int] = []
        self.call_ids: list[str] = []

    def score(self, request: RerankRequest) -> RerankResponse:
        """Answer with the documents' lengths as scores."""
        self.sizes.append(len(request.documents))
        self.call_ids.append(request.call_id)
        usage = self._answer(request)
        return RerankResponse(np.array([float(len(d)) for d in request.documents]), usage=usage)

    def close(self) -> None:
        """Do nothing."""


def item(documents: int, query_id: str = "q") -> Batch:
    """Return a batch of documents of growing length."""
    texts = tuple("x" * (i + 1) for i in range(documents))
    request = RerankRequest(query_id, "query", texts, tuple(map(str, range(documents))))
    return Batch(request, tuple(range(1, documents + 1)))


def failing(times: int, failure: Callable[[], CallError]) -> Callable[[RerankRequest], Usage]:
    """Fail so often, then succeed."""
    left = iter(range(times))

    def answer(_request: RerankRequest) -> Usage:
        if next(left, None) is not None:
            raise failure()
        return Usage()

    return answer


def quick(retries: int = 3, **rules: object) -> Traffic:
    """Return rules under which nothing waits long."""
    return Traffic(retries=retries, retry_wait_s=0.001, **rules)  # type: ignore[arg-type]


def busy() -> CallError:
    """Return a failure that may pass."""
    return CallError("http", "busy", http_status=503, remedy=RETRYABLE)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=30), usegmt=True)}, 30.0),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=30), usegmt=True)}, 0.0),
        ({"retry-after": format_datetime(NOW, usegmt=True),
          "date": format_datetime(NOW - timedelta(seconds=7), usegmt=True)}, 7.0),
        ({"x-ratelimit-reset": "3"}, 3.0),
        ({"x-ratelimit-reset": str(NOW.timestamp() + 12)}, 12.0),
        ({"x-ratelimit-reset-requests": "1m30s", "x-ratelimit-reset-tokens": "250ms"}, 90.0),
        ({"retry-after": "soon", "x-ratelimit-reset": "4"}, 4.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_a_server_is_left_alone_as_long_as_it_asks(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, dates by the server's own clock, milliseconds and resets are all understood; nonsense is not."""
    told = retry_after_s(headers, NOW)
    assert told == (None if seconds is None else pytest.approx(seconds, abs=1e-3))


def test_a_limit_that_is_used_up_is_waited_for_before_it_is_hit() -> None:
    """A good reply that says nothing is left gives the wait until the reset; any left, or no reset, gives none."""
    assert (
        rate_limit_reset_s({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"}) == 2
    )
    assert (
        rate_limit_reset_s({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "2s"})
        is None
    )
    assert rate_limit_reset_s({"x-ratelimit-remaining-rpm": "0"}) is None


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
    assert "asks to wait 3600 s, more than longest_wait_s: 1" in failure.message


def too_large_beyond(limit: int) -> Callable[[RerankRequest], Usage]:
    """Refuse longer lists for their size."""

    def answer(request: RerankRequest) -> Usage:
        if len(request.documents) > limit:
            raise CallError("http", "too large", http_status=413, remedy=Remedy(too_large=True))
        return Usage()

    return answer


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 20])
def test_a_list_that_is_too_large_is_halved_until_it_fits(limit: int) -> None:
    """Every document is scored once, in its own place, and what was learned is kept to from then on."""
    reranker = Scripted(too_large_beyond(limit))
    session = RerankerSession("r", reranker)
    for number in range(2):
        outcomes = list(RetryingCaller(session).deliver(item(13), CONTEXT))
        scores = np.zeros(13)
        for outcome in outcomes:
            assert outcome.response is not None
            scores[np.array(outcome.batch.ranks) - 1] += outcome.response.scores
        assert scores.tolist() == list(range(1, 14))
        refused = [a for o in outcomes for a in o.attempts if a.call.status == "retried"]
        assert number == 0 or not refused, "the second list is cut beforehand"


def test_one_document_that_is_too_large_fails_alone() -> None:
    """Halving ends at single documents; the one that does not fit fails, and is no limit for the others."""

    def answer(request: RerankRequest) -> Usage:
        if any(len(text) == 5 for text in request.documents):
            raise CallError("http", "too long", http_status=422, remedy=Remedy(too_large=True))
        return Usage()

    session = RerankerSession("r", Scripted(answer))
    outcomes = list(RetryingCaller(session).deliver(item(8), CONTEXT))
    failed = [o for o in outcomes if o.failure]
    assert [o.batch.request.documents for o in failed] == [("xxxxx",)]
    assert sum(len(o.response.scores) for o in outcomes if o.response) == 7


def test_a_list_that_is_looked_at_as_a_whole_is_never_halved() -> None:
    """A reranker that is not pointwise, and a timed call, fail instead."""
    whole, timed = Scripted(too_large_beyond(2), pointwise=False), Scripted(too_large_beyond(2))
    for reranker, splits in ((whole, True), (timed, False)):
        (outcome,) = RetryingCaller(RerankerSession("r", reranker), splits=splits).deliver(item(4), CONTEXT)
        assert outcome.failure is not None
        assert reranker.sizes == [4]


def test_a_wrong_key_closes_the_arm() -> None:
    """After a failure that all calls would share nothing more is sent, and every batch says why."""
    reranker = Scripted(
        failing(99, lambda: CallError("http", "bad key", http_status=401, remedy=Remedy(permanent=True)))
    )
    session = RerankerSession("r", reranker, quick())
    first, second = (next(iter(RetryingCaller(session).deliver(item(2), CONTEXT))) for _ in range(2))
    assert len(first.attempts) == 1
    assert second.attempts == ()
    assert second.failure is not None
    assert "'r' was given up after: bad key" in second.failure.message
    assert len(reranker.sizes) == 1


def test_a_server_that_is_gone_is_given_up() -> None:
    """After some batches in a row that failed for good, no more time is spent on it."""
    reranker = Scripted(failing(999, busy))
    session = RerankerSession("r", reranker, quick(1))
    outcomes = [o for n in range(9) for o in RetryingCaller(session).deliver(item(2, str(n)), CONTEXT)]
    assert [len(o.attempts) for o in outcomes] == [2] * 5 + [0] * 4


@pytest.mark.parametrize(
    ("price", "usage", "cost"),
    [
        ({"usd_per_million_tokens": 2.0}, Usage(tokens=500), 0.001),
        ({"usd_per_thousand_units": 2.0}, Usage(units=3, tokens=5), 0.006),
        ({"usd_per_million_bytes": 1.0}, Usage(billed_bytes=2_000_000), 2.0),
        ({"usd_per_thousand_requests": 1.0}, Usage(), 0.001),
        ({"usd_per_million_tokens": 2.0}, Usage(units=3), None),
        ({"usd_per_million_tokens": 0.0}, Usage(), 0.0),
    ],
)
def test_a_call_costs_its_price_or_nobody_knows(
    price: dict[str, float], usage: Usage, cost: float | None
) -> None:
    """Cost is price times what was billed; where that is unknown so is the cost, never 0, unless all is free."""
    ((way, rate),) = price.items()
    told = priced(way, rate).of(usage)
    assert told == (None if cost is None else pytest.approx(cost))


@pytest.mark.parametrize("body", ['{"as_of": "2026-01-01"}', '{"usd_per_million_tokens": 1}',
    '{"as_of": "2026-01-01", "usd_per_million_tokens": 1, "usd_per_thousand_units": 1}'])  # fmt: skip
def test_a_price_has_one_way_and_a_day(body: str) -> None:
    """No way of billing, two of them, or no day is no price."""
    with pytest.raises(ValueError, match=r"exactly one of|as_of"):
        Price.model_validate_json(body)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_budget_is_never_crossed(concurrency: int) -> None:
    """Calls stop before the budget is crossed, and those that were made are all returned."""
    price = priced("usd_per_million_tokens", 1000.0)
    budget = Budget(0.1)
    reranker = Scripted(lambda _: Usage(tokens=10))  # a cent each
    session = RerankerSession("r", reranker, quick(price=price), budget=budget)
    outcomes = []
    with Sender(session, concurrency) as sender:
        sent = sender.send((item(2, str(n)) for n in range(50)), CONTEXT)
        with pytest.raises(BudgetError, match=r"budget of \$0\.1"):
            outcomes.extend(sent)
        outcomes += sender.late()
    assert budget.spent_usd == pytest.approx(0.01 * len(outcomes))
    assert budget.spent_usd <= 0.1
    assert len(reranker.sizes) == len(outcomes) >= 5


def test_a_call_of_unknown_cost_is_booked_at_what_it_may_have_cost() -> None:
    """Where the reply does not tell the amount the estimate is spent; a refusal is free, a lost reply is not."""
    price = priced("usd_per_million_tokens", 1.0)
    for answer, booked in (
        (lambda _: Usage(), True),
        (failing(9, lambda: CallError("http", "no", http_status=400)), False),
        (failing(9, lambda: CallError("broken", "gone")), True),
    ):
        budget = Budget()
        list(
            RetryingCaller(
                RerankerSession("r", Scripted(answer), Traffic(price=price), budget=budget)
            ).deliver(item(3), CONTEXT)
        )
        assert (budget.spent_usd > 0) is booked


def test_estimates_learn_from_replies() -> None:
    """The tokens assumed for a text are the most seen per character and a quarter more; cautious before that."""
    request = item(4).request
    size = len(request.query) * 4 + 10
    estimate = TokenEstimate()
    assert estimate.usage(request).tokens == int(np.ceil(size * 0.4))
    estimate.learn(request, 15)
    estimate.learn(request, 3)
    assert estimate.usage(request).tokens == int(np.ceil(15 * 1.25))
    assert expected_usage("q", ("d",) * 101, 0.25).units == 2


def test_requests_keep_their_caps() -> None:
    """No request is beyond a cap unless it is one document; all documents go out once and in order."""
    texts = tuple("x" * n for n in (5, 50, 500, 5, 5, 200, 1, 1, 1))
    for caps in (Caps(2), Caps(bytes=120), Caps(tokens=40), Caps(3, 600, 100), Caps()):
        ends = list(_ends("query", texts, caps))
        starts = [0, *ends[:-1]]
        assert ends[-1] == len(texts)
        assert all(a < b for a, b in zip(starts, ends, strict=True))
        for start, end in zip(starts, ends, strict=True):
            part = texts[start:end]
            weight = sum(len(t) for t in part)
            assert len(part) == 1 or caps.documents is None or len(part) <= caps.documents
            assert len(part) == 1 or caps.bytes is None or weight <= caps.bytes
            assert len(part) == 1 or caps.tokens is None or weight * 0.4 <= caps.tokens


def test_stopping_returns_what_came_back_and_leaves_the_rest() -> None:
    """After a stop the calls in flight that come back are returned; one that hangs holds nothing up."""
    release = threading.Event()
    hanging = threading.Event()

    def answer(request: RerankRequest) -> Usage:
        if request.query_id == "1":
            hanging.set()
            release.wait(60)
        return Usage()

    try:
        sender = Sender(RerankerSession("r", Scripted(answer)), 2)
        sender.__enter__()
        sent = sender.send((item(2, str(n)) for n in range(50)), CONTEXT)
        got = [next(sent).batch.request.query_id for _ in range(5)]
        assert hanging.is_set()
        got += [outcome.batch.request.query_id for outcome in sender.late()]
        sender.__exit__(KeyboardInterrupt, None, None)
        assert "1" not in got
        assert not release.is_set(), "it was over while the call still hung"
        assert len(got) == len(set(got)) >= 5
    finally:
        release.set()


def test_a_key_is_struck_out_in_every_form() -> None:
    """Plain, JSON-quoted, URL-quoted and base64; a text without it is left as it is."""
    redactor = Redactor('a"key/+=')
    assert redactor.text('x a"key/+= y a\\"key/+= z a%22key%2F%2B%3D') == "x [key] y [key] z [key]"
    assert redactor.content(b"YSJrZXkvKz0= is it") == b"[key] is it"
    assert Redactor(None).text("x") == "x"
    assert Redactor("abc").text("abc") == "abc"
