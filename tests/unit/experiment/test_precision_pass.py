"""The precision pass: which queries are scored again in fp32, and what is recorded where that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.checked import Backend, by_pair
from support.experiments import config_for, eval_set, started

from evalkit.backend_checks import PrecisionCheck
from evalkit.config import Config
from evalkit.errors import CallError, InputError
from evalkit.experiment import sessions
from evalkit.experiment.call_planning import plan_experiment
from evalkit.experiment.context import StartedExperiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.known_scores import precise_tag
from evalkit.experiment.precision_pass import precision_pass, sampled_candidates
from evalkit.experiment.quality_pass import quality_pass
from evalkit.records import Qrels, RerankRequest

DATA = eval_set(queries=6, documents=4)
MODEL = {"backend": "cross_encoder", "model": "any/model", "revision": "a" * 40}


def config_with(precision: str = "bf16", queries: int = 3, **more: Any) -> Config:
    """Return a configuration with one local model."""
    block = {**MODEL, "precision": precision}
    return config_for({"m": block}, precision_check={"queries": queries}, **more)


def rounded(request: RerankRequest) -> list[float]:
    """Score a pair with few bits."""
    return [float(np.float16(score)) for score in by_pair(request)]


@contextmanager
def scored(
    patch: pytest.MonkeyPatch, into: Path, config: Config, full: Backend | Exception, data: EvalSet = DATA
) -> Iterator[StartedExperiment]:
    """Score everything with few bits, then make the precision pass; `full` is the model in fp32."""
    reduced = Backend(rounded)

    def open_reranker(settings: Any) -> Backend:
        if settings.precision != "fp32":
            return reduced
        if isinstance(full, Exception):
            raise full
        return full

    patch.setattr(sessions, "open_reranker", open_reranker)
    with started(config, into, data) as run:
        quality_pass(run, run.sessions[0], data)
        precision_pass(run, run.sessions[0], data)
        yield run


def only_check(run: StartedExperiment) -> PrecisionCheck:
    """Return the one check."""
    (check,) = run.recorder.precision_checks
    return check


@given(wanted=st.integers(1, 9), seed=st.integers(0, 50), depth=st.integers(1, 5), empty=st.integers(0, 6))
def test_a_sample_is_drawn_from_the_answerable_queries_with_candidates(
    wanted: int, seed: int, depth: int, empty: int
) -> None:
    """As many as are wanted or there are, with their lists at the deepest depth; the same for the same seed."""
    data = eval_set(queries=6, documents=4, without=[f"q{n}" for n in range(empty)])
    grades = {**data.dataset.qrels.grades, "q5": {"d0": 0}}
    data = replace(data, dataset=replace(data.dataset, qrels=Qrels(grades)))
    config = config_with(queries=wanted, seed=seed, depths=[depth], retriever={"depth": 5})
    sample = sampled_candidates(config, data)
    able = {f"q{n}" for n in range(empty, 5)}
    assert set(sample.query_ids) <= able
    assert len(sample.query_ids) == min(wanted, len(able))
    assert {len(docs) for _, docs, _ in sample} <= {min(depth, 4)}
    assert sampled_candidates(config, data).query_ids == sample.query_ids


def test_a_sample_is_scored_again_in_fp32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three queries; the largest difference is that of rounding, and both metrics are recorded."""
    full = Backend()
    with scored(monkeypatch, tmp_path, config_with(), full) as run:
        check = only_check(run)
        sample = sampled_candidates(run.config, DATA)
    assert {one.query_id for one in full.asked} == set(sample.query_ids) == set(check.queries)
    honest = np.concatenate([by_pair(one) for one in full.asked])
    assert check.largest == np.abs(honest - honest.astype(np.float16)).max()
    assert (check.reranker, check.dataset, check.precision, check.metric) == ("m", "tiny", "bf16", "nDCG@10")
    assert check.missing is None
    assert len(check.full) == len(check.reduced) == len(check.correlations) == 3
    assert {one.pass_ for one in run.recorder.calls if one.reranker == precise_tag("m")} == {"precision"}


def test_scores_in_fp32_are_kept_apart_and_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are no scores of the configured precision; a second run asks for none and finds the same."""
    first, second = Backend(), Backend()
    with scored(monkeypatch, tmp_path, config_with(), first) as run:
        check = only_check(run)
        sample = sampled_candidates(run.config, DATA)
        own = run.store.rows("m", DATA, sample, pointwise=True)
        precise = run.store.rows(precise_tag("m"), DATA, sample, pointwise=True)
    assert any(not np.array_equal(own[query].scores, precise[query].scores) for query in own)
    with scored(monkeypatch, tmp_path, config_with(), second) as run:
        assert only_check(run) == check
        (planned,) = (one for one in plan_experiment(run) if one.pass_ == "precision")
    assert not second.asked
    assert (planned.calls, planned.known) == (0, 3 * 4)


@pytest.mark.parametrize("data", [eval_set(queries=1, without=["q0"]), None], ids=["no candidates", "fp32"])
def test_where_there_is_nothing_to_compare_there_is_no_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: EvalSet | None
) -> None:
    """A dataset without candidates, and a model that runs in fp32 anyway."""
    config = config_with() if data else config_with("fp32")
    with scored(monkeypatch, tmp_path, config, Backend(), data or DATA) as run:
        assert not run.recorder.precision_checks


@pytest.mark.parametrize(
    "error", [InputError("no room for fp32"), CallError("memory", "no room for fp32")], ids=repr
)
def test_a_model_that_cannot_be_opened_in_fp32_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The check says why it is missing; all other results are complete."""
    with scored(monkeypatch, tmp_path, config_with(), error) as run:
        check = only_check(run)
    assert (check.missing, check.queries, check.largest) == ("no room for fp32", (), None)
    assert run.recorder.failed_queries == 0


@pytest.mark.parametrize(
    ("fails", "compared", "missing"),
    [
        (lambda number: number == 0, 2, None),
        (lambda _number: True, 0, "no answerable query was scored in both precisions"),
    ],
    ids=["one", "all"],
)
def test_a_query_that_fails_in_fp32_is_not_compared(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fails: Callable[[int], bool],
    compared: int,
    missing: str | None,
) -> None:
    """The others are; where none is left, the check says so, and no difference is reported as 0."""
    numbers = iter(range(99))

    def answer(request: RerankRequest) -> Any:
        return CallError("model", "no") if fails(next(numbers)) else by_pair(request)

    with scored(monkeypatch, tmp_path, config_with(), Backend(answer)) as run:
        check = only_check(run)
    assert (len(check.queries), check.missing) == (compared, missing)
    assert (check.largest is None) == (compared == 0)
    assert run.recorder.failed_queries == 0
