"""Cascades in the latency pass: which are timed, with which calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.checked import Backend
from support.experiments import api, config_for, eval_set, started, use_backends

from evalkit.config import Config
from evalkit.experiment.call_planning import plan_experiment
from evalkit.experiment.cascade_timing import timed_cascades
from evalkit.experiment.latency_pass import latency_pass
from evalkit.latency import RoundState, measurement

DATA = eval_set(queries=14, documents=6)
TIMED = {"batch_sizes": [2, 6], "calls": 6, "warmup": 1, "concurrency": [1, 2]}


@pytest.fixture(autouse=True)
def _steady_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note the state of a machine without measuring it, which takes longer than all calls."""

    class Steady:
        def state(self, dataset: str, number: int) -> RoundState:
            return RoundState(dataset, number, 0.001, None, None, None)

    monkeypatch.setattr(measurement, "MachineMonitor", Steady)


def config(large: dict[str, Any] | None = None, **more: Any) -> Config:
    """Return a cascade of two rerankers, and a cascade over this cascade."""

    def cascade(first: str, keep: int) -> dict[str, Any]:
        return {"backend": "cascade", "stages": [{"reranker": first, "keep": keep}, {"reranker": "large"}]}

    rerankers = {
        "small": api("small"),
        "large": large or api("large"),
        "outer": cascade("both", 1),
        "both": cascade("small", 2),
    }
    return config_for(rerankers, depths=[3, 6], retriever={"depth": 6}, **{"latency": TIMED, **more})


def test_a_cascade_is_timed_with_one_call_in_flight_at_the_deepest_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many calls as the plan says; each calls the first stage once and the later one once; no score is stored."""
    backends = {"small": Backend(), "large": Backend()}
    use_backends(monkeypatch, **backends)
    with started(config(quality=False), tmp_path, DATA) as run:
        planned = {one.pass_: one.calls for one in plan_experiment(run) if one.reranker == "both"}
        latency_pass(run, DATA)
        calls = [call for call in run.recorder.calls if call.reranker == "both" and call.pass_ == "latency"]
        assert not any(one for one in plan_experiment(run) if one.reranker == "both")
    assert len(calls) == planned["latency"] == 6
    assert {(call.batch_size, call.concurrency, call.status) for call in calls} == {(6, 1, "ok")}
    assert 2 in {len(request.documents) for request in backends["large"].asked}


@pytest.mark.parametrize(
    "large",
    [
        api("large", price={"usd_per_thousand_requests": 1, "as_of": "2026-11-22"}),
        api("large", api_key_env="A_KEY"),
        api("large", requests_per_minute=60),
        {"backend": "replay", "path": "run.trec"},
    ],
    ids=["priced", "with a key", "rate-limited", "look-up"],
)
def test_a_cascade_over_paid_or_limited_calls_is_not_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: dict[str, Any]
) -> None:
    """Its calls would not count towards the budget and the limits of its stages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("A_KEY", "secret")
    Path("run.trec").write_text("q0 Q0 d0 1 1.0 r\n", encoding="utf-8")
    assert timed_cascades(config()) == ["both", "outer"]
    assert timed_cascades(config(large)) == []


def test_without_a_latency_pass_nothing_is_timed() -> None:
    """The plan of a cascade then has no call at all."""
    assert timed_cascades(config(latency=None)) == []
