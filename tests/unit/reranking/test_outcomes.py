"""One call: its time, and what is no score."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from support.experiments import call
from support.scripted import CONTEXT, Scoring

from evalkit.errors import CallError
from evalkit.records import Dataset, Run
from evalkit.reranking import Attempt, Caps, Outcome, batch, make_call


def test_a_call_is_timed_by_the_given_clock(tiny: Dataset, candidates: Run) -> None:
    """A call's latency is the clock's difference around it and nothing else."""
    ticks = itertools.count(10.0, 0.25)
    first = next(batch(candidates, tiny, Caps(), pointwise=True))
    outcome = make_call(Scoring(lambda r: [1.0] * len(r.documents)), first, CONTEXT, lambda: next(ticks))
    assert (outcome.call.start_s, outcome.call.end_s, outcome.call.latency_s) == (10.0, 10.25, 0.25)
    assert outcome.call.status == "ok"


@pytest.mark.parametrize(
    ("answer", "said"),
    [([1.0], "3 documents were sent, but 1 scores were returned"), ([1, np.nan, 2], "document 1 has the score nan"),
     ([1, 2, np.inf], "document 2 has the score inf")],
)  # fmt: skip
def test_what_is_not_a_score_fails_the_call(
    tiny: Dataset, candidates: Run, answer: list[float], said: str
) -> None:
    """A backend of any kind that returns too few, NaN or infinite scores has failed, and the query is named."""
    first = next(batch(candidates, tiny, Caps(), pointwise=True))
    outcome = make_call(Scoring(lambda _: answer), first, CONTEXT)
    assert outcome.response is None
    assert outcome.failure is not None
    assert said in outcome.failure.message
    assert "'q1'" in outcome.failure.message
    assert outcome.call.status == "failed"


@pytest.mark.parametrize("raised", [SystemExit(1), GeneratorExit(), BaseException("panic \x1b[2J")])
def test_what_is_no_exception_fails_the_call(tiny: Dataset, candidates: Run, raised: BaseException) -> None:
    """A panic of a library and an exit of a plugin are failures of the kind backend; they end no thread."""

    def panics(_: object) -> list[float]:
        raise raised

    first = next(batch(candidates, tiny, Caps(), pointwise=True))
    outcome = make_call(Scoring(panics), first, CONTEXT)
    assert outcome.failure is not None
    assert outcome.failure.kind == "backend"
    assert type(raised).__name__ in outcome.failure.message
    assert outcome.failure.message.isprintable()


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), ValueError("a bug")])
def test_interrupts_and_bugs_pass(tiny: Dataset, candidates: Run, raised: BaseException) -> None:
    """They end the run, each with its exit code."""

    def raises(_: object) -> list[float]:
        raise raised

    first = next(batch(candidates, tiny, Caps(), pointwise=True))
    with pytest.raises(type(raised)):
        make_call(Scoring(raises), first, CONTEXT)


def test_the_cost_of_a_batch_is_what_its_attempts_and_its_failure_cost(
    tiny: Dataset, candidates: Run
) -> None:
    """An amount without a report is left out, and it is unknown if none was reported; free is a cost of 0."""
    first = next(batch(candidates, tiny, Caps(), pointwise=True))

    def cost(failure: CallError | None, *of_attempts: float | None) -> float | None:
        *former, last = of_attempts
        attempts = [Attempt(call(cost_usd=usd), None, None) for usd in former]
        attempts.append(Attempt(call(cost_usd=last), None, failure))
        return Outcome(first, tuple(attempts)).known_cost_usd

    billed, free = CallError("answer", "no grade"), CallError("answer", "no grade")
    billed.bill(0.25)
    free.bill(0.0)
    assert cost(None, None, None) is None
    assert cost(CallError("answer", "no grade"), None) is None
    assert cost(None, 0.5, None) == 0.5
    assert cost(billed, 0.5, None) == 0.75
    assert cost(free, None) == 0.0
    again = (Attempt(call(), None, billed), Attempt(call(cost_usd=1.0), None, None))
    assert Outcome(first, again).known_cost_usd == 1.25
    kept = CallError("http", "busy")
    kept.kept_usd = 0.5
    assert Outcome(first, (Attempt(call(), None, kept), *again)).known_cost_usd == 1.25
    assert cost(kept, None) == 0.5
