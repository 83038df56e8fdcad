"""The latency pass: which loads are found, what a resumed pass repeats, and where increasing rates end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.checked import Backend, by_pair
from support.experiments import api, call, config_for, eval_set, started, use_backends

from evalkit.config import LatencySettings
from evalkit.errors import CallError
from evalkit.experiment import latency_pass as module
from evalkit.experiment.context import StartedExperiment
from evalkit.experiment.latency_pass import find_loads, latency_cells, latency_pass, splittable, timed_calls
from evalkit.latency import RoundState, call_key, measurement
from evalkit.records import Call, RerankRequest
from evalkit.reranking import Budget, RerankerSession

DATA = eval_set(queries=14, documents=4)
CLOSED = {"batch_sizes": [1, 2], "calls": 6, "warmup": 1}
FAST = {"rates_per_s": [4000, 8000], "calls": 6}


def latency(**more: Any) -> LatencySettings:
    """Return settings of a pass with a server scenario."""
    settings = config_for({"a": api()}, latency={"batch_sizes": [1, 8], "server": {}, **more}).latency
    assert settings is not None
    return settings


@pytest.fixture(autouse=True)
def _steady_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note the state of a machine without measuring it, which takes longer than all calls."""

    class Steady:
        def state(self, dataset: str, number: int) -> RoundState:
            return RoundState(dataset, number, 0.001, None, None, None)

    monkeypatch.setattr(measurement, "MachineMonitor", Steady)


def timing(number: int, takes_s: float = 0.5, **changes: Any) -> Call:
    """Return one of several timed calls, one after the other, that take equally long."""
    fields = {
        "pass_": "latency",
        "round": 0,
        "batch_size": 8,
        "start_s": number * takes_s,
        "end_s": (number + 1) * takes_s,
    }
    return call(**fields | changes)


def run_pass(
    patch: pytest.MonkeyPatch, into: Path, backend: Backend, settings: dict[str, Any]
) -> StartedExperiment:
    """Return a started experiment whose latency pass has ended."""
    use_backends(patch, m=backend)
    with started(config_for({"a": api()}, quality=False, latency=settings), into, DATA) as run:
        latency_pass(run, DATA)
    return run


def test_without_a_server_scenario_there_is_no_load() -> None:
    """Whatever was timed."""
    assert find_loads(LatencySettings(), "r", [timing(n) for n in range(4)]).rates_per_s == ()


@given(st.lists(st.floats(0.5, 100), min_size=1, max_size=4))
def test_configured_rates_are_kept(rates: list[float]) -> None:
    """They need no capacity; what is unknown of the latency counts as none."""
    loads = find_loads(latency(server={"rates_per_s": rates}), "r", [])
    assert loads.rates_per_s == tuple(rates)
    assert loads.latency_s == 0


def test_without_a_capacity_there_are_no_rates() -> None:
    """A share of something unknown is unknown: no call, or only calls that failed."""
    failed = [timing(n, status="failed") for n in range(4)]
    for calls in ([], failed, [timing(0)]):
        assert find_loads(latency(), "r", calls).rates_per_s == ()


@given(
    takes_s=st.floats(0.01, 10),
    shares=st.lists(st.floats(0.1, 2), min_size=1, max_size=4),
    concurrency=st.integers(2, 6),
)
def test_rates_are_shares_of_the_capacity(takes_s: float, shares: list[float], concurrency: int) -> None:
    """The capacity is that of the best concurrency; the latency is that of one call at a time."""
    alone = [timing(n, takes_s, concurrency=1) for n in range(6)]
    together = [timing(n, takes_s / concurrency, concurrency=concurrency) for n in range(6)]
    loads = find_loads(latency(server={"shares": shares}), "r", [*alone, *together])
    assert loads.rates_per_s == pytest.approx([share * concurrency / takes_s for share in shares])
    assert loads.latency_s == pytest.approx(takes_s)


@pytest.mark.parametrize(
    "ignored",
    [{"batch_size": 1}, {"batch_size": 9}, {"length_bucket": 1}, {"rate_per_s": 3.0}],
    ids=str,
)
def test_only_closed_loops_with_the_largest_batches_measure_capacity(ignored: dict[str, Any]) -> None:
    """Smaller batches, batches above the server's own, calls by length and calls of open loops do not count."""
    calls = [timing(n) for n in range(4)]
    other = [timing(n, 0.001, **ignored) for n in range(4)]
    assert find_loads(latency(), "r", [*other, *calls]) == find_loads(latency(), "r", calls)


def test_a_collection_that_is_smaller_than_a_batch_is_measured_with_all_of_it() -> None:
    """Then no batch has the size that was configured, and the largest one that was sent counts."""
    calls = [timing(n, batch_size=5) for n in range(4)]
    loads = find_loads(latency(server={"shares": [1.0]}), "r", calls)
    assert loads.rates_per_s == pytest.approx([2.0])


def test_every_planned_call_is_timed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Queries within a cell are distinct; warm-up calls are recorded as such; rounds have their machine's state."""
    run = run_pass(monkeypatch, tmp_path, Backend(), CLOSED)
    calls = timed_calls(run, DATA, "a")
    assert Counter(one.batch_size for one in calls) == {1: 6, 2: 6}
    assert (
        len({call_key(one) for one in calls}) == len({(one.batch_size, one.query_id) for one in calls}) == 12
    )
    assert {one.pass_ for one in run.recorder.calls} == {"warmup", "latency"}
    assert [state.round for state in run.recorder.rounds] == list(range(6))


def test_a_resumed_pass_times_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that were timed are planned with nothing left; lost ones are timed again, and only they."""
    backend = Backend()
    run = run_pass(monkeypatch, tmp_path, backend, CLOSED)
    assert not any(cell.calls for cell in latency_cells(run, DATA, ["a"]))
    whole = {call_key(one) for one in timed_calls(run, DATA, "a")}
    lost = timed_calls(run, DATA, "a")[:2]
    kept = [one for one in run.recorder.calls if one not in lost]
    with started(config_for({"a": api()}, quality=False, latency=CLOSED), tmp_path, DATA) as again:
        again.recorder.calls.extend(kept)
        latency_pass(again, DATA)
    new = again.recorder.calls[len(kept) :]
    assert {call_key(one) for one in new if one.pass_ == "latency"} == {call_key(one) for one in lost}
    assert {call_key(one) for one in timed_calls(again, DATA, "a")} == whole


def test_timed_calls_are_in_the_journal_and_no_score_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timed batch may hold documents that are no candidates: its scores belong to no result."""
    use_backends(monkeypatch, m=Backend())
    with started(config_for({"a": api()}, latency=CLOSED), tmp_path, DATA) as run:
        latency_pass(run, DATA)
        kinds = Counter(entry.kind for entry in run.store.scores.journal(run.store.run))
        assert not run.store.rows("a", DATA, DATA.candidates, pointwise=True)
    assert kinds == {"call": len(run.recorder.calls), "round": 6}


def test_only_rerankers_that_take_time_are_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lookup is not; without a latency block nothing is."""
    use_backends(monkeypatch, m=Backend())
    rerankers = {"a": api(), "same": {"backend": "identity"}}
    with started(config_for(rerankers, latency=CLOSED), tmp_path, DATA) as run:
        latency_pass(run, DATA)
        assert {one.reranker for one in run.recorder.calls} == {"a"}
    with started(config_for(rerankers), tmp_path, DATA) as run:
        latency_pass(run, DATA)
        assert not run.recorder.calls
        assert latency_cells(run, DATA, ["a"]) == []


def test_an_interrupted_block_counts_as_warm_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its calls are recorded, since they may have been paid for, but they are timed again."""
    timed: list[RerankRequest] = []

    def answer(request: RerankRequest) -> list[float]:
        timed.append(request)
        if len(timed) == 5:
            raise KeyboardInterrupt
        return by_pair(request)

    use_backends(monkeypatch, m=Backend(answer))
    with started(config_for({"a": api()}, quality=False, latency=CLOSED), tmp_path, DATA) as run:
        with pytest.raises(KeyboardInterrupt):
            latency_pass(run, DATA)
        assert len(run.store.scores.journal(run.store.run)) == len(run.recorder.calls) == 4
    assert not timed_calls(run, DATA, "a")


def test_rates_rise_up_to_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every rate is kept, each has all its calls; the lowest rate comes first, however they are listed."""
    settings = {**CLOSED, "batch_sizes": [2], "server": {**FAST, "rates_per_s": [8000, 4000]}}
    run = run_pass(monkeypatch, tmp_path, Backend(), settings)
    rates = [one.rate_per_s for one in timed_calls(run, DATA, "a") if one.rate_per_s is not None]
    assert list(dict.fromkeys(rates)) == [4000, 8000]
    assert Counter(rates) == {4000: 6, 8000: 6}


def test_a_rate_that_breaks_the_limit_is_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed calls are late calls; they are results, so that a resumed pass does not repeat them."""

    def fail(_request: RerankRequest) -> CallError:
        return CallError("reply", "no")

    settings = {**CLOSED, "batch_sizes": [1], "server": FAST, "slo": {"max_ms": 1000, "quantile": 0.5}}
    run = run_pass(monkeypatch, tmp_path, Backend(fail), settings)
    assert {one.rate_per_s for one in timed_calls(run, DATA, "a")} == {None, 4000}
    open_calls = [one for one in timed_calls(run, DATA, "a") if one.rate_per_s]
    assert {call_key(one) for one in open_calls} <= run.recorder.timed("tiny")
    with started(config_for({"a": api()}, quality=False, latency=settings), tmp_path, DATA) as again:
        again.recorder.calls.extend(run.recorder.calls)
        latency_pass(again, DATA)
        assert [one for one in timed_calls(again, DATA, "a") if one.rate_per_s] == open_calls


@pytest.mark.parametrize(("growth_s", "overloaded"), [(0.0, False), (0.2, True)])
def test_an_overload_is_seen_in_the_order_of_arrival(growth_s: float, overloaded: bool) -> None:
    """Response times that grow from call to call are an overload, in whatever order the calls came back."""
    calls = [
        timing(0, query_id=f"q{n}", rate_per_s=5.0, scheduled_s=float(n), end_s=n + 0.1 + growth_s * n)
        for n in range(30)
    ]
    for order in (range(30), np.random.default_rng(1).permutation(30)):
        assert module._is_overloaded(latency(), [calls[n] for n in order]) is overloaded


FREE = {"price": {"usd_per_million_tokens": 0, "as_of": "2026-01-01"}}


@pytest.mark.parametrize(
    ("changes", "more", "splits"),
    [
        ({}, {}, True),
        ({"requests_per_minute": 600}, {}, False),
        ({"tokens_per_minute": 600}, {}, False),
        (FREE, {}, True),
        (FREE, {"budget": {"usd": 1.0}}, False),
    ],
)
def test_what_is_counted_in_one_place_is_sent_from_there(
    changes: dict[str, Any], more: dict[str, Any], splits: bool
) -> None:
    """A budget, and calls or tokens per minute; after a failure that ends a reranker, no call is sent at all."""
    config = config_for({"a": api(**changes)}, **more)
    session = RerankerSession.of("a", Backend(by_pair), config.called["a"], Budget())
    assert splittable(config, [session]) == ({"a": config.called["a"]} if splits else {})
    session.closed = CallError("http", "no")
    assert splittable(config, [session]) == {}
