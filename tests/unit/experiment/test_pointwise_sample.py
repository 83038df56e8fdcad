"""The lists of the pointwise check: which they are, and that the quality pass does not send them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.checked import Backend
from support.experiments import api, config_for, eval_set, started, use_backends
from support.faulty import hashed_score

from evalkit.errors import CallError
from evalkit.experiment.context import StartedExperiment
from evalkit.experiment.first_calls import make_first_calls
from evalkit.experiment.manifest_facts import closing_manifest
from evalkit.experiment.pointwise_sample import LONGEST_SHARED, sample_batches, shared_queries
from evalkit.experiment.quality_pass import quality_pass
from evalkit.records import RerankRequest
from evalkit.reranking import Caps

DATA = eval_set(queries=4, documents=6)


def refuse(_request: RerankRequest) -> CallError:
    """Fail like a server that is short of something."""
    return CallError("http", "not now", http_status=400)


def scored(run: StartedExperiment) -> None:
    """Score everything."""
    for session in run.sessions:
        for one in run.eval_sets:
            quality_pass(run, session, one)


@given(queries=st.integers(0, 6), documents=st.integers(1, 25), size=st.none() | st.integers(1, 30))
def test_a_sample_has_three_queries_with_their_first_candidates(
    queries: int, documents: int, size: int | None
) -> None:
    """As many candidates as fit into one call, 20 at most; a list of one cannot be compared with another list."""
    data = eval_set(queries, documents)
    requests = sample_batches(data, Caps(size), seed=1)
    expected = min(documents, 20, size or 20)
    assert len(requests) == (min(3, queries) if expected > 1 else 0)
    assert len({request.query_id for request in requests}) == len(requests)
    for request in requests:
        assert request.doc_ids == tuple(f"d{n}" for n in range(expected))
    assert [one.query_id for one in sample_batches(data, Caps(size), seed=1)] == [
        one.query_id for one in requests
    ]


def test_a_list_that_takes_several_calls_is_sampled_with_its_first_part() -> None:
    """A limit in bytes splits every list; later parts of it are no requests of the sample."""
    requests = sample_batches(DATA, Caps(bytes=80), seed=1)
    assert len(requests) == 3
    assert {request.doc_ids for request in requests} == {("d0", "d1")}


def test_lists_of_the_check_are_not_requested_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quality pass finds their scores, with their ranks, as scores of this run, and counts every pair once."""
    backend = Backend()
    use_backends(monkeypatch, m=backend)
    with started(config_for({"a": api()}, depths=[2, 5]), tmp_path, DATA) as run:
        make_first_calls(run, run.sessions).record(run)
        scored(run)
        (counts,) = closing_manifest(run, "complete").pairs
    lists = [one.documents for one in backend.asked if len(one.documents) == 5]
    assert len(lists) == len({(one.query, one.documents) for one in backend.asked if len(one.documents) == 5})
    assert (counts.asked, counts.scored, counts.reused, counts.resumed, counts.failed) == (20, 20, 0, 0, 0)


def test_a_list_of_the_check_that_fails_is_requested_by_the_quality_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failed call belongs to the checks, so that it is no failed query of the result."""
    failing = iter([False, True])

    def answer(request: RerankRequest) -> Any:
        if next(failing, False):
            return refuse(request)
        return [hashed_score(request.query, text) for text in request.documents]

    use_backends(monkeypatch, m=Backend(answer))
    with started(config_for({"a": api()}, depths=[2, 5]), tmp_path, DATA) as run:
        make_first_calls(run, run.sessions).record(run)
        scored(run)
        assert [(call.pass_, call.status) for call in run.recorder.calls if call.status == "failed"] == [
            ("check", "failed")
        ]
        assert run.recorder.failed_queries == 0


def test_known_scores_are_not_stored_again_by_a_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list with a cached pair is no call of the quality pass: the cached score stays what it was."""
    backend = Backend()
    use_backends(monkeypatch, m=backend)
    with started(config_for({"a": api()}, depths=[2]), tmp_path, DATA) as run:
        scored(run)
    with started(config_for({"a": api()}, depths=[2, 5]), tmp_path, DATA) as run:
        made = make_first_calls(run, run.sessions).made
    assert {outcome.call.pass_ for _, outcome in made} == {"check"}


@pytest.mark.parametrize("documents", [LONGEST_SHARED, LONGEST_SHARED + 1])
def test_a_very_long_list_is_sampled_with_its_beginning(documents: int) -> None:
    """Half of it would be many pairs; the quality pass then makes its own call."""
    data = eval_set(queries=3, documents=documents)
    sizes = {len(one.documents) for one in sample_batches(data, Caps(), seed=1, depth=documents)}
    assert sizes == {documents if documents <= LONGEST_SHARED else 20}


@pytest.mark.parametrize(
    ("more", "shared"),
    [({}, 3), ({"batch_size": 4}, 3), ({"max_bytes": 80}, 3)],
    ids=["whole lists", "lists in parts", "parts by bytes"],
)
def test_the_lists_of_an_api_are_those_of_the_quality_pass(
    more: dict[str, Any], shared: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole or the first part of a list that takes several calls."""
    use_backends(monkeypatch, m=Backend())
    with started(config_for({"a": api(**more)}, depths=[2, 5]), tmp_path, DATA) as run:
        caps = run.sessions[0].caps
        sample = sample_batches(DATA, caps, seed=1, depth=5)
        assert len(shared_queries(run, "a", DATA, caps, sample)) == shared


def test_a_local_model_shares_no_list(tmp_path: Path) -> None:
    """Its quality pass may run on other devices, and scores of one pass come from one place."""
    with started(config_for({"a": {"backend": "lexical"}}, depths=[2, 5]), tmp_path, DATA) as run:
        caps = run.sessions[0].caps
        sample = sample_batches(DATA, caps, seed=1, depth=5)
        assert sample
        assert not shared_queries(run, "a", DATA, caps, sample)
