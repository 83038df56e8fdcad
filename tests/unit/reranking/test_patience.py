"""How long a call is tried again, by a scripted clock: retries, refusals for the rate, and models that start."""

from __future__ import annotations

import warnings

import pytest
from support.scripted import Scripted, busy, failing, quick

from evalkit.errors import CallError, InputNote, Remedy
from evalkit.reranking import RerankerSession
from evalkit.reranking.patience import STARTING_S, Patience, asked_s, refuses_rate
from evalkit.reranking.rate_limits import RateLimiter


class World:
    """A session with a clock that only waiting moves."""

    def __init__(self, retries: int = 3, **rules: object) -> None:
        self.now = 0.0
        self.session = RerankerSession("it", Scripted(failing(0, busy)), quick(retries, **rules))
        self.session.rate_limiter = RateLimiter(clock=lambda: self.now)
        self.patience = Patience(self.session, retries, without_reply=True, clock=lambda: self.now)

    def refuse(self, asked: float | None = None) -> None:
        """Have a call refused for the rate after its turn."""
        turn = self.session.rate_limiter.wait_turn(0, self.sleep)
        self.session.rate_limiter.refuse(turn, asked)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def refusal(wait_s: float | None = None, body: str = "busy") -> CallError:
    """Return a refusal for the rate."""
    remedy = Remedy(transient=True, wait_s=wait_s)
    return CallError("http", "returned 429: busy", http_status=429, body=body, remedy=remedy)


def loading(wait: str = "") -> CallError:
    """Return the failure of a server whose model is being loaded."""
    body = f'{{"error": "Model is currently loading"{wait}}}'
    return CallError("http", "loading", http_status=503, body=body, remedy=Remedy(transient=True))


def test_failures_that_pass_are_retried_as_often_as_configured() -> None:
    """With waits that double; the last one names what to set."""
    world = World(retries=3, longest_wait_s=60.0)
    last = busy()
    assert [world.patience.may_pass(one) for one in (busy(), busy(), busy(), last)] == [
        True,
        True,
        True,
        False,
    ]
    assert last.hint == "it was tried 4 times: set retries or retry_wait_s higher if the server needs longer"
    assert world.session.closed is None


def test_a_server_that_never_replied_is_not_waited_for() -> None:
    """Its first connection that fails ends the session: the address may be wrong, or nothing runs there."""
    world = World(retries=5)
    gone = CallError("connect", "cannot reach http://it: refused", "start it", remedy=Remedy(transient=True))
    assert not world.patience.may_pass(gone)
    world.session.record(gone)
    assert world.session.closed is not None


@pytest.mark.parametrize(("retries", "notes"), [(14, 1), (5, 0)])
def test_a_server_that_cannot_be_reached_is_named_before_a_long_wait(retries: int, notes: int) -> None:
    """Once, with how often and how long it is tried again; a short wait needs no words."""
    world = World(retries, longest_wait_s=60.0)
    world.session.has_replied = True
    gone = CallError("connect", "cannot reach http://it: refused", "start it", remedy=Remedy(transient=True))
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert world.patience.may_pass(gone)
        assert world.patience.may_pass(gone)
    assert [str(one.message) for one in shown] == [
        "'it': cannot reach http://it: refused; trying again up to 14 times within 16 s"
    ] * notes


def test_a_hint_of_the_failure_itself_is_kept() -> None:
    """A more precise remedy is known where the failure was found."""
    world = World(retries=1)
    last = CallError("timeout", "too slow", "set timeout_s", remedy=Remedy(transient=True))
    assert [world.patience.may_pass(one) for one in (busy(), last)] == [True, False]
    assert last.hint == "set timeout_s"


def test_refusals_for_the_rate_use_up_no_retry() -> None:
    """More of them than retries, over more than two minutes, and the retries afterwards."""
    world = World(retries=1, longest_wait_s=60.0)
    while world.now < 120:
        world.refuse()
        assert world.patience.may_pass(refusal())
        assert world.patience.wait_s(refusal()) == 0.0
    assert world.patience.may_pass(busy())
    assert not world.patience.may_pass(busy())


@pytest.mark.parametrize("learned", [False, True])
def test_a_server_that_refuses_for_ever_is_given_up(learned: bool) -> None:
    """In bounded time, with the setting and its number; the session sends nothing more."""
    world = World(longest_wait_s=60.0)
    limiter = world.session.rate_limiter
    if learned:
        for _ in range(10):
            limiter.accept(limiter.wait_turn(0, world.sleep))
        world.refuse()
        while limiter.learned is None:
            turn = limiter.wait_turn(0, world.sleep)
            (limiter.accept if world.now > 50 else limiter.refuse)(turn)
    world.refuse()
    last = refusal()
    while world.patience.may_pass(last):
        world.refuse()
        last = refusal()
    assert world.now < 400
    assert last.hint is not None
    assert f"set requests_per_minute: {'10' if learned else 'the number that the API allows'}" in last.hint
    assert "longest_wait_s" in last.hint
    world.session.record(last)
    assert world.session.closed is not None


@pytest.mark.parametrize("in_body", [True, False])
def test_a_wait_that_is_too_long_names_its_setting(in_body: bool) -> None:
    """In a header or in the body, for the rate or for another reason."""
    body = '{"message": "try again in 1h"}'
    world = World(longest_wait_s=60.0)
    one = refusal(body=body) if in_body else refusal(wait_s=3600.0)
    assert asked_s(one) == 3600.0
    assert not world.patience.may_pass(one)
    assert one.message.endswith("; the server asks to wait 3600 s; longest_wait_s is 60")
    assert (
        one.hint == "set longest_wait_s: 3600 to wait as long, or requests_per_minute to what the API allows"
    )
    other = CallError("http", "later", http_status=500, remedy=Remedy(transient=True, wait_s=90.0))
    assert not world.patience.may_pass(other)
    assert other.hint == "set longest_wait_s: 90 to wait as long"


@pytest.mark.parametrize(("wait", "first_s"), [(', "estimated_time": 20.0', 20.0), ("", 1.0)])
def test_a_model_that_is_being_loaded_is_waited_for(wait: str, first_s: float) -> None:
    """As long as it asks, else with growing waits, without retries, up to a limit; each wait is noted once."""
    world = World(retries=1)
    waits: list[float] = []
    last = loading(wait)
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        while world.patience.may_pass(last):
            waits.append(world.patience.wait_s(last))
            world.sleep(waits[-1])
            last = loading(wait)
    assert waits[0] == first_s
    assert max(waits) <= 20
    assert STARTING_S <= world.now <= STARTING_S + 20
    assert last.hint == "start the model first, and run again when it answers"
    assert last.remedy.permanent
    assert {one.category for one in noted} == {InputNote}
    assert str(noted[0].message) == f"'it' is starting; waiting up to {first_s:.0f} s"


def test_without_retries_nothing_is_tried_again() -> None:
    """Neither a refusal nor a start: calls with times of their own are results as they are."""
    for one in (refusal(), loading(), busy()):
        assert not World(retries=0).patience.may_pass(one)


def test_a_refusal_that_the_server_calls_final_is_one() -> None:
    """``x-should-retry: false``: the failure is not transient, whatever its status."""
    final = CallError("http", "no credit", http_status=429, remedy=Remedy())
    assert not refuses_rate(final)
    assert not World().patience.may_pass(final)


def test_the_user_is_informed_once(recwarn: pytest.WarningsRecorder) -> None:
    """Of refusals that last, and of the rate that they show."""
    world = World(longest_wait_s=60.0)
    limiter = world.session.rate_limiter
    for _ in range(36):
        turn = limiter.wait_turn(0, world.sleep)
        if limiter.learned is None and world.now < 60 and len(recwarn) < 1 and _ >= 10:
            limiter.refuse(turn)
            world.session.notes.refused(limiter.next_s())
            continue
        limiter.accept(turn)
        world.session.notes.learned_rate(limiter.learned)
        world.sleep(0.01)
    assert [str(one.message) for one in recwarn] == [
        "'it' refuses calls for their rate; waiting 59 s before the next one",
        "'it' accepts about 10 calls a minute (learned from refusals); set requests_per_minute: 10 to silence this",
    ]
