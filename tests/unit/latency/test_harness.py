"""The load generator measures itself: how late its threads resume, and when its figures are its own."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from support.scripted import CONTEXT, Scripted, item

from evalkit.latency.harness import MOST_CPU, TIMER_S, HarnessMonitor, harness_fault
from evalkit.records import Usage
from evalkit.reranking import RerankerSession, Sender


def fault(delay_s: float, cpu: float, latency_s: float, calls: int = 40) -> str | None:
    """Judge calls that are all alike."""
    return harness_fault(*(np.full(calls, value) for value in (delay_s, cpu, latency_s)))


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
    found = harness_fault(delay_s, np.full(100, 0.2), np.full(100, 0.1))
    assert found is not None
    assert "(p95)" in found


def test_a_few_late_calls_are_chance() -> None:
    """Six late calls in a hundred may come from a machine at which fewer than one in twenty is late."""
    delay_s = np.where(np.arange(100) < 6, 0.02, 0.0)
    assert harness_fault(delay_s, np.full(100, 0.2), np.full(100, 0.1)) is None


def test_what_was_not_measured_is_not_judged() -> None:
    """Calls of earlier versions have no delay; without calls there is nothing to judge."""
    unknown = np.full(9, np.nan)
    assert harness_fault(unknown, unknown, np.full(9, 0.001)) is None
    assert harness_fault(np.array([]), np.array([]), np.array([])) is None


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
    for is_busy in (False, True):
        stop.clear()
        thread = threading.Thread(target=busy)
        session = RerankerSession("r", Scripted(answer))
        with HarnessMonitor() as monitor, Sender(session, 1, timed=True) as sender:
            if is_busy:
                thread.start()
            outcomes = list(sender.send([item(1, str(number)) for number in range(6)], CONTEXT))
        stop.set()
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
