"""The load generator measures itself: how late its threads resume, and when its figures are its own."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import CONTEXT, Scripted, item

from evalkit.latency.harness import (
    MOST_CPU,
    MOST_LOAD,
    TIMER_S,
    HarnessMonitor,
    harness_fault,
    interpreters_needed,
)
from evalkit.records import Usage
from evalkit.reranking import RerankerSession, Sender

TENTH = np.full(100, 0.1)
ONE_ROUND = np.zeros(100, dtype=int)


def fault(delay_s: float, cpu: float, latency_s: float, calls: int = 40) -> str | None:
    """Judge calls that are all alike."""
    latencies = np.full(calls, latency_s)
    return harness_fault(
        np.full(calls, delay_s), np.full(calls, cpu), latencies, latencies, np.zeros(calls, dtype=int), 8
    )


@pytest.mark.parametrize(
    ("delay_s", "cpu", "latency_s", "said"),
    [
        (0.0001, 0.1, 0.1, None),
        (TIMER_S, 0.1, 0.0001, None),
        (0.005, 0.1, 0.1, None),
        (0.0053, 0.1, 0.1, "resumed 5.3 ms late (p50), with a latency of 100 ms"),
        (0.0001, MOST_CPU, 0.1, None),
        (0.0001, 0.97, 0.1, "used 97% of one processor"),
    ],
)
def test_a_cell_is_judged_by_delay_and_processor_time(
    delay_s: float, cpu: float, latency_s: float, said: str | None
) -> None:
    """Limits are 5 % of the median above what any sleep takes, and 90 % of a processor."""
    found = fault(delay_s, cpu, latency_s)
    assert found is None if said is None else found is not None and found.endswith(said)


def test_a_late_tail_is_a_fault_although_most_calls_are_right() -> None:
    """One call in ten ends 20 ms late: the 95th percentile is the load generator's."""
    delay_s = np.where(np.arange(100) % 10 == 0, 0.02, 0.0)
    found = harness_fault(delay_s, np.full(100, 0.2), TENTH, TENTH, ONE_ROUND, 8)
    assert found is not None
    assert "(p95)" in found


def test_a_few_late_calls_are_chance() -> None:
    """Six in ninety may come from a machine at which fewer than one in twenty is late, three in a hundred from one in
    a hundred; fewer calls have no 99th percentile.
    """
    for late, calls in ((6, 99), (3, 100)):
        delay_s = np.where(np.arange(calls) < late, 0.02, 0.0)
        assert (
            harness_fault(delay_s, np.full(calls, 0.2), TENTH[:calls], TENTH[:calls], ONE_ROUND[:calls], 8)
            is None
        )


def test_the_99th_percentile_has_a_rule_of_its_own() -> None:
    """Four calls in a hundred are late: neither the median nor the 95th percentile shows it."""
    delay_s = np.where(np.arange(100) < 4, 0.02, 0.0)
    found = harness_fault(delay_s, np.full(100, 0.2), TENTH, TENTH, ONE_ROUND, 8)
    assert found is not None
    assert "(p99)" in found


@pytest.mark.parametrize(
    ("slot_s", "concurrency", "said"),
    [
        (0.1, 8, None),
        (0.111, 8, None),
        (
            0.125,
            8,
            "only 6.4 of 8 calls were in flight, because the load generator needed 25 ms between them",
        ),
        (0.2, 256, "only 128.0 of 256 calls were in flight, because the load generator needed 1e+02 ms"),
        (0.2, 1, None),
        (0.2, None, None),
        (0.05, 8, None),
    ],
)
def test_calls_that_wait_in_this_process_are_not_in_flight(
    slot_s: float, concurrency: int | None, said: str | None
) -> None:
    """At least nine tenths of their time they are with the server; alone, or at a rate, none waits for another."""
    zero = np.zeros(100)
    found = harness_fault(zero, zero, TENTH, np.full(100, slot_s), ONE_ROUND, concurrency)
    assert found is None if said is None else found is not None and found.startswith(said)


@pytest.mark.parametrize("rounds_held_up", [4, 6])
def test_what_stops_this_process_once_does_not_decide(rounds_held_up: int) -> None:
    """Two calls of ten in a round are held up for long: their time counts, in more than half of the rounds."""
    rounds, zero = np.arange(100) % 10, np.zeros(100)
    slot_s = np.where((rounds < rounds_held_up) & (np.arange(100) < 20), 1.0, TENTH)
    found = harness_fault(zero, zero, TENTH, slot_s, rounds, 8)
    assert (found is None) == (rounds_held_up == 4)


def test_a_clock_that_shows_no_time_is_no_shortfall() -> None:
    """Clocks of some systems move in steps."""
    zero = np.zeros(10)
    assert harness_fault(zero, zero, zero, zero, ONE_ROUND[:10], 8) is None


def test_what_was_not_measured_is_not_judged() -> None:
    """Calls of earlier versions have no delay; without calls there is nothing to judge."""
    unknown = np.full(9, np.nan)
    assert harness_fault(unknown, unknown, np.full(9, 0.001), np.full(9, 0.1), ONE_ROUND[:9], 8) is None
    assert harness_fault(*[np.array([])] * 4, ONE_ROUND[:0], 8) is None


def test_a_thread_that_holds_the_interpreter_is_seen() -> None:
    """Every call of the block gets the delay near its end, and the share of a processor."""

    def answer(_request: object) -> Usage:
        time.sleep(0.05)
        return Usage()

    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            sum(range(1000))

    shares, delays = [], []
    # A thread gives the interpreter away only after this time, which other programs of the machine do not hide.
    usual = sys.getswitchinterval()
    for is_busy in (False, True):
        stop.clear()
        sys.setswitchinterval(0.05 if is_busy else usual)
        thread = threading.Thread(target=busy)
        session = RerankerSession("r", Scripted(answer))
        with HarnessMonitor() as monitor, Sender(session, 1, timed=True) as sender:
            if is_busy:
                thread.start()
            outcomes = list(sender.send([item(1, str(number)) for number in range(6)], CONTEXT))
        stop.set()
        sys.setswitchinterval(usual)
        calls = [one.call for one in monitor.noted(outcomes)]
        assert [call.query_id for call in calls] == [one.call.query_id for one in outcomes]
        shares.append(calls[0].harness_cpu or 0.0)
        delays.append(np.median([call.harness_delay_s or 0.0 for call in calls]))
        if is_busy:
            thread.join()
    assert shares[1] > shares[0]
    assert delays[1] > delays[0]


def test_a_block_that_is_over_at_once_is_not_judged() -> None:
    """It is too short to measure anything."""
    with HarnessMonitor() as monitor:
        pass
    assert monitor.noted([]) == []


def test_calls_of_another_process_keep_what_it_measured() -> None:
    """Its threads waited for its own interpreter."""
    session = RerankerSession("r", Scripted(lambda _: Usage()))
    with HarnessMonitor() as other, Sender(session, 1, timed=True) as sender:
        outcomes = list(sender.send([item(1)], CONTEXT))
        time.sleep(0.2)
    theirs = other.noted(outcomes)
    exact = replace(outcomes[0].call, harness_delay_s=0.0)
    exact_ones = [replace(outcomes[0], attempts=(replace(outcomes[0].attempts[0], call=exact),))]
    assert other.noted(exact_ones)[0].call == replace(theirs[0].call, harness_delay_s=0.0)
    with HarnessMonitor() as own:
        time.sleep(0.2)
    assert own.noted(theirs) == theirs
    assert own.noted(outcomes) != outcomes


@given(st.floats(0, 1000))
def test_no_interpreter_has_more_than_its_share(load: float) -> None:
    """One interpreter sends all calls up to the limit; above it, as few as keep each within it."""
    count = interpreters_needed(load)
    assert load / count <= MOST_LOAD * (1 + 1e-9)
    assert count == 1 or load / (count - 1) > MOST_LOAD * (1 - 1e-9)
