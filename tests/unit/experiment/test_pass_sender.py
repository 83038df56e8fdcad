"""How a pass sends its batches: in threads or to a worker pool, with the same outcomes."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from support.checked import Backend, by_pair, request
from support.scripted import CONTEXT

from evalkit.distributed import LocalPool
from evalkit.errors import BudgetError
from evalkit.experiment.pass_sender import Sending
from evalkit.records import RerankRequest, RerankResponse
from evalkit.reranking import Batch, Budget, RerankerSession, sender

BATCHES = [Batch(request(number), tuple(range(1, 7))) for number in range(8)]


class PooledBackend(Backend):
    """A backend that scores several requests at once."""

    pool_pairs = 12

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Score many."""
        return [self.score(one) for one in requests]


def scores(sending: Sending) -> dict[str, list[float]]:
    """Return the scores of every query."""
    found = {}
    for outcome in sending.send(BATCHES):
        assert outcome.response is not None
        found[outcome.batch.request.query_id] = outcome.response.scores.tolist()
    return found


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("pooled", [False, True])
def test_every_batch_has_its_outcome(concurrency: int, pooled: bool) -> None:
    """The same scores from threads and from a pool, whatever the order of completion."""
    backend = PooledBackend()
    session = RerankerSession("r", backend, concurrency=concurrency)
    found = scores(Sending(session, CONTEXT, LocalPool(backend) if pooled else None))
    assert found == {item.request.query_id: by_pair(item.request) for item in BATCHES}
    assert len(backend.asked) == len(BATCHES)


def test_no_batch_makes_no_call() -> None:
    """A pass whose scores are all known ends at once."""
    backend = PooledBackend()
    for pool in (None, LocalPool(backend)):
        assert not list(Sending(RerankerSession("r", backend), CONTEXT, pool).send([]))
    assert not backend.asked


def test_the_number_of_calls_in_flight_is_known_of_threads_only() -> None:
    """None before the pass, and None for a pool: nothing was throttled there, which is not 0 calls."""
    backend = PooledBackend()
    session = RerankerSession("r", backend, concurrency=3)
    in_threads, pooled = Sending(session, CONTEXT, None), Sending(session, CONTEXT, LocalPool(backend))
    assert in_threads.lowest_concurrency is None
    for sending in (in_threads, pooled):
        list(sending.send(BATCHES))
    assert (in_threads.lowest_concurrency, pooled.lowest_concurrency) == (3, None)


def test_nothing_is_late_where_nothing_was_sent() -> None:
    """Before a pass in threads, and after a pass in a pool."""
    backend = PooledBackend()
    assert not list(Sending(RerankerSession("r", backend), CONTEXT, None).late())
    pooled = Sending(RerankerSession("r", backend), CONTEXT, LocalPool(backend))
    list(pooled.send(BATCHES))
    assert not list(pooled.late())


def test_a_call_in_flight_when_the_budget_ends_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was paid for: its outcome is returned after the error, and every outcome is returned once."""
    monkeypatch.setattr(sender, "GRACE_S", 10.0)
    refused = threading.Event()

    class Refusing(Budget):
        """Is spent from a moment on that the test chooses."""

        def reserve(self, cost_usd: float) -> None:
            """Reserve as usual until that moment."""
            if refused.is_set():
                raise BudgetError("spent")
            super().reserve(cost_usd)

    started = threading.Barrier(2)

    def answer(one: RerankRequest) -> list[float]:
        if one.query_id in {"q0", "q1"}:
            started.wait(10)  # both calls are in flight
            refused.set()
        if one.query_id == "q1":
            returned.wait(10)
        return by_pair(one)

    returned = threading.Event()
    session = RerankerSession("r", Backend(answer), concurrency=2, budget=Refusing())
    sending, got = Sending(session, CONTEXT, None), []
    with pytest.raises(BudgetError):
        got.extend(outcome.batch.request.query_id for outcome in sending.send(BATCHES))
    returned.set()
    (late,) = sending.late()
    assert got == ["q0"]
    assert late.batch.request.query_id == "q1"
    assert late.response is not None
    assert np.array_equal(late.response.scores, by_pair(BATCHES[1].request))
