"""Make one call, time it and check its response; records of attempts and of a batch's outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from evalkit.config import Price
from evalkit.errors import CallError, printable, shortened
from evalkit.records import Call, RerankRequest, RerankResponse, ServerTime, Usage
from evalkit.records.calls import Pass
from evalkit.rerankers import Reranker, readable
from evalkit.reranking.batching import Batch

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class CallContext:
    """The fields that all calls of a series share."""

    dataset: str
    reranker: str
    pass_: Pass
    concurrency: int | None = 1
    round: int | None = None
    length_bucket: int | None = None
    rate_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call: its record, and either a response or a failure."""

    call: Call
    response: RerankResponse | None
    failure: CallError | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one batch.

    Attributes
    ----------
    attempts
        Every call made for the batch, of which the last one counts; empty if none was made.
    unsent
        Why no call was made.
    context
        The fields of the call that was not made; None where a call was made.
    """

    batch: Batch
    attempts: tuple[Attempt, ...]
    unsent: CallError | None = None
    context: CallContext | None = None

    @property
    def call(self) -> Call:
        """The record of the last attempt."""
        return self.attempts[-1].call

    @property
    def response(self) -> RerankResponse | None:
        """The response of the last attempt; None if the batch failed."""
        return self.attempts[-1].response if self.attempts else None

    @property
    def failure(self) -> CallError | None:
        """Why the batch has no scores; None if it has scores."""
        return self.attempts[-1].failure if self.attempts else self.unsent

    @property
    def known_cost_usd(self) -> float | None:
        """Cost in USD of all attempts, as far as it is known, those without an answer included; None if unknown."""
        costs = [one.call.cost_usd for one in self.attempts if one.call.cost_usd is not None]
        failures = [one.failure for one in self.attempts if one.failure is not None]
        costs += [one.billed_usd for one in failures if one.cost_known or one.billed_usd]
        if self.failure is not None and self.failure.kept_usd:
            costs.append(self.failure.kept_usd)
        return sum(costs) if costs else None


@contextmanager
def exits_as_failures() -> Iterator[None]:
    """Make a failed call of what a backend raises and no program expects: it must not end this process or a thread.

    A panic of a library in Rust and ``sys.exit`` of a plugin are no `Exception`. Exceptions pass: they are bugs. So
    does an interrupt.

    Raises
    ------
    CallError
        Of the kind ``backend``.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        said = printable(shortened(str(error), 500))
        raise CallError(
            "backend",
            f"the backend raised {type(error).__name__}{f': {said}' if said else ''}",
            "report it to the author of the backend or of the library that it uses",
        ) from error


def make_call(
    reranker: Reranker,
    item: Batch,
    context: CallContext,
    clock: Clock = time.perf_counter,
    *,
    attempt: int = 1,
    scheduled_s: float | None = None,
    price: Price | None = None,
) -> Attempt:
    """Make one call, time it, and check that the response has one finite score per document."""
    response: RerankResponse | None = None
    failure: CallError | None = None
    start = clock()
    try:
        with exits_as_failures():
            response = reranker.score(readable(reranker, item.request))
    except CallError as error:
        failure = error
    made = TimedCall(item, context, start, clock(), attempt, scheduled_s)
    return attempt_of(made, response, failure, price)


@dataclass(frozen=True, slots=True)
class TimedCall:
    """A finished call.

    Attributes
    ----------
    item, context
        What was sent.
    start_s, end_s
        Seconds of a monotonic clock.
    attempt
        Number of the attempt, from 1.
    scheduled_s
        When the call was due, if it was scheduled.
    pooled_calls
        Number of calls scored together with this one, itself included; None if it was sent alone.
    """

    item: Batch
    context: CallContext
    start_s: float
    end_s: float
    attempt: int = 1
    scheduled_s: float | None = None
    pooled_calls: int | None = None


def attempt_of(
    made: TimedCall,
    response: RerankResponse | None,
    failure: CallError | None = None,
    price: Price | None = None,
) -> Attempt:
    """Return the checked response or the failure, with the call's record."""
    item, context = made.item, made.context
    if response is not None:
        failure = find_fault(response, item.request)
        response = None if failure else _with_known_amounts(response)
    usage = response.usage if response else Usage()
    truncated = response.truncated if response else None
    call = Call(
        dataset=context.dataset,
        reranker=context.reranker,
        query_id=item.request.query_id,
        pass_=context.pass_,
        batch_size=len(item.request.documents),
        filled=item.filled,
        concurrency=made.pooled_calls or context.concurrency,
        round=context.round,
        attempt=made.attempt,
        scheduled_s=made.start_s if made.scheduled_s is None else made.scheduled_s,
        start_s=made.start_s,
        end_s=made.end_s,
        status="failed" if failure else "ok",
        error=f"{failure.kind}: {failure.message}" if failure else None,
        http_status=failure.http_status if failure else response.http_status if response else None,
        usage=usage,
        cost_usd=_cost(response, price),
        server_s=response.server_s if response else None,
        server_times=response.server_times if response else (),
        model=response.model if response else None,
        conn_reused=response.conn_reused if response else None,
        list_sorted=response.list_is_sorted if response else None,
        timeline=response.timeline if response else None,
        length_bucket=context.length_bucket,
        rate_per_s=context.rate_per_s,
        document_characters=sum(map(len, item.request.documents)),
        truncated_documents=None if truncated is None else int(truncated.sum()),
        harness_delay_s=response.harness_delay_s if response else None,
    )
    return Attempt(call, response, failure)


def _with_known_amounts(response: RerankResponse) -> RerankResponse:
    """Return a response without amounts that cannot be summed and written: its scores are paid for and are kept."""
    usage, server_times = response.usage.known(), ServerTime.known(response.server_times)
    if (usage, server_times) == (response.usage, response.server_times):
        return response
    return replace(
        response,
        usage=usage,
        server_times=server_times,
        unusable={**response.unusable, **response.usage.unusable()},
    )


def _cost(response: RerankResponse | None, price: Price | None) -> float | None:
    """Return the cost of a call in USD: by the configured price, else as the backend reports; None if unknown."""
    if response is None:
        return None
    priced = price.of(response.usage) if price else None
    return response.usage.cost_usd if priced is None else priced


def retried(attempt: Attempt) -> Attempt:
    """Return a failed attempt with the status ``retried``."""
    return replace(attempt, call=replace(attempt.call, status="retried"))


def find_fault(response: RerankResponse, request: RerankRequest) -> CallError | None:
    """Return the error of a response that lacks one finite score per document; None if it is correct."""
    if response.scores.shape != (len(request.documents),):
        return CallError(
            "reply",
            f"query {request.query_id!r}: {len(request.documents)} documents were sent,"
            f" but {response.scores.size} scores were returned",
        )
    bad = np.flatnonzero(~np.isfinite(response.scores))
    if len(bad):
        return CallError(
            "reply", f"query {request.query_id!r}: document {bad[0]} has the score {response.scores[bad[0]]}"
        )
    return None
