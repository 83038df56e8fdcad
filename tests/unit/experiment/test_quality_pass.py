"""The quality pass: every pair is scored once, and whatever ends the pass, what was scored is kept."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.checked import Backend, by_pair
from support.experiments import api, config_for, eval_set, started, use_backends
from tqdm import tqdm

from evalkit.errors import BudgetError, CallError, StorageError
from evalkit.experiment import quality_pass as module
from evalkit.experiment.experiment_store import ExperimentStore
from evalkit.experiment.quality_pass import quality_lists, quality_pass
from evalkit.records import RerankRequest
from evalkit.reranking import Sender

DATA = eval_set(queries=4, documents=6)
CENT = {"usd_per_thousand_requests": 10, "as_of": "2026-11-22"}


def pairs(backend: Backend) -> list[tuple[str, str]]:
    """Return query and document of every pair that was sent."""
    return [(request.query_id, doc) for request in backend.asked for doc in request.doc_ids]


@given(depths=st.lists(st.integers(1, 8), min_size=1, max_size=4, unique=True).map(sorted))
def test_one_pass_serves_all_depths_unless_lists_matter(depths: list[int]) -> None:
    """A pointwise reranker scores the deepest lists; a listwise one the lists of each depth."""
    config = config_for({"a": api()}, depths=depths, retriever={"depth": 8})
    ((depth, deepest),) = quality_lists(config, DATA, pointwise=True)
    assert depth is None
    assert {len(docs) for _, docs, _ in deepest} == {min(6, depths[-1])}
    listwise = list(quality_lists(config, DATA, pointwise=False))
    assert [depth for depth, _ in listwise] == depths
    assert [{len(docs) for _, docs, _ in run} for _, run in listwise] == [{min(6, depth)} for depth in depths]


@pytest.mark.long
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 7), concurrency=st.integers(1, 3), depth=st.integers(1, 6))
def test_every_pair_is_sent_once_and_has_its_own_score(
    tmp_path_factory: pytest.TempPathFactory, size: int, concurrency: int, depth: int
) -> None:
    """However lists are split over calls, and however many calls are in flight."""
    backend = Backend()
    config = config_for(
        {"a": api(batch_size=size, concurrency=concurrency)}, depths=[depth], retriever={"depth": 6}
    )
    with pytest.MonkeyPatch.context() as patch:
        use_backends(patch, m=backend)
        with started(config, tmp_path_factory.mktemp("pass"), DATA) as run:
            quality_pass(run, run.sessions[0], DATA)
            rows = run.recorder.write(run.folder).folder.read_scores_of("tiny", "a")
    expected = [(f"q{q}", f"d{d}") for q in range(4) for d in range(depth)]
    assert sorted(pairs(backend)) == expected
    assert max(len(request.documents) for request in backend.asked) <= size
    honest = [
        by_pair(RerankRequest(q, f"tiny query {q[1]}", (DATA.dataset.corpus.text(d),), (d,)))[0]
        for q, d in expected
    ]
    assert list(zip(rows["query_id"], rows["doc_id"], strict=True)) == expected
    assert rows["score"].tolist() == honest


def test_known_pairs_are_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deeper experiment on the same store sends the new ranks alone, and its result holds all scores."""
    backend = Backend()
    use_backends(monkeypatch, m=backend)
    with started(config_for({"a": api()}, depths=[2]), tmp_path, DATA) as run:
        quality_pass(run, run.sessions[0], DATA)
    backend.asked.clear()
    with started(config_for({"a": api()}, depths=[5]), tmp_path, DATA) as run:
        quality_pass(run, run.sessions[0], DATA)
        (entry,) = run.recorder.quality_passes
        reused = run.store.reused["tiny", "a"]
    assert sorted(pairs(backend)) == [(f"q{q}", f"d{d}") for q in range(4) for d in (2, 3, 4)]
    assert (entry.pairs, entry.scored, entry.failed) == (20, 4, ())
    assert (reused.pairs, reused.resumed) == (8, 0)


def test_a_listwise_reranker_gets_whole_lists_for_each_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores of one depth are no scores of another, so each is asked for and recorded by itself."""
    backend = Backend(pointwise=False)
    use_backends(monkeypatch, m=backend)
    with started(config_for({"a": api(pointwise=False)}, depths=[2, 5]), tmp_path, DATA) as run:
        quality_pass(run, run.sessions[0], DATA)
        passes = run.recorder.quality_passes
    assert [len(request.documents) for request in backend.asked] == [2] * 4 + [5] * 4
    assert [(one.depth, one.pairs, one.scored) for one in passes] == [(2, 8, 4), (5, 20, 4)]


def test_a_failed_call_fails_its_query_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its query has no scores in the result, but those of its other calls are stored for the next run."""

    def answer(request: RerankRequest) -> Any:
        return (
            CallError("reply", "no")
            if (request.query_id, request.doc_ids[0]) == ("q1", "d2")
            else by_pair(request)
        )

    use_backends(monkeypatch, m=Backend(answer))
    with started(config_for({"a": api(batch_size=2)}), tmp_path, DATA) as run:
        quality_pass(run, run.sessions[0], DATA)
        (entry,) = run.recorder.quality_passes
        stored = run.store.rows("a", DATA, DATA.candidates, pointwise=True)["q1"].known_ranks
    assert (entry.failed, entry.asked, entry.scored) == (("q1",), 4, 3)
    assert [(one.query_id, one.status) for one in run.recorder.failures] == [("q1", "failed")]
    assert stored == {1, 2, 5}


def test_queries_without_candidates_are_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are no failures: nothing was lost."""
    data = eval_set(queries=3, without=["q0", "q1", "q2"])
    backend = Backend()
    use_backends(monkeypatch, m=backend)
    with started(config_for({"a": api()}), tmp_path, data) as run:
        quality_pass(run, run.sessions[0], data)
        (entry,) = run.recorder.quality_passes
    assert not backend.asked
    assert (entry.asked, entry.failed, entry.pairs) == (0, (), 0)


def test_a_budget_ends_the_pass_and_keeps_what_was_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two calls of a cent each fit into 2.5 cents; the other queries have failed, and their scores are unknown."""
    backend = Backend()
    use_backends(monkeypatch, m=backend)
    config = config_for({"a": api(price=CENT)}, budget={"usd": 0.025})
    with started(config, tmp_path, DATA) as run:
        with pytest.raises(BudgetError):
            quality_pass(run, run.sessions[0], DATA)
        (entry,) = run.recorder.quality_passes
        assert set(run.store.rows("a", DATA, DATA.candidates, pointwise=True)) == {"q0", "q1"}
    assert len(backend.asked) == len(run.recorder.calls) == 2
    assert (entry.scored, entry.failed, entry.asked) == (2, ("q2", "q3"), 4)


@pytest.mark.parametrize("late", [0, 1])
def test_an_interrupt_keeps_the_calls_that_came_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    """In time or late: the pass is recorded with the queries that were scored, and the interrupt goes on."""

    class Interrupted(Sender):
        """Is interrupted after two outcomes."""

        def send(self, *args: Any, **options: Any) -> Any:
            """Yield two outcomes, then raise what Ctrl-C raises."""
            self.rest = super().send(*args, **options)
            yield from islice(self.rest, 2)
            # A call that is not back when the pass stops has no outcome, so wait for those in flight.
            while self._deliveries.qsize() < self._pending:
                time.sleep(0.001)
            raise KeyboardInterrupt

        def late(self) -> Any:
            """Yield the outcomes that were in flight."""
            yield from islice(self.rest, late)

    use_backends(monkeypatch, m=Backend())
    monkeypatch.setattr("evalkit.experiment.pass_sender.Sender", Interrupted)
    with started(config_for({"a": api()}), tmp_path, DATA) as run:
        with pytest.raises(KeyboardInterrupt):
            quality_pass(run, run.sessions[0], DATA)
        (entry,) = run.recorder.quality_passes
        known = run.store.rows("a", DATA, DATA.candidates, pointwise=True)
    assert (entry.scored, len(entry.failed)) == (2 + late, 2 - late)
    assert set(known) == {f"q{n}" for n in range(2 + late)} == {call.query_id for call in run.recorder.calls}


def test_a_store_that_fails_ends_the_pass_with_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls that come back late are recorded in memory, although the store fails for them, too."""

    def full(*_: object) -> None:
        raise StorageError("no space")

    use_backends(monkeypatch, m=Backend())
    with started(config_for({"a": api()}), tmp_path, DATA) as run:
        monkeypatch.setattr(ExperimentStore, "keep", full)
        with pytest.raises(StorageError, match="no space"):
            quality_pass(run, run.sessions[0], DATA)
    (entry,) = run.recorder.quality_passes
    assert entry.scored == len(run.recorder.calls) >= 1


def test_the_progress_bar_starts_at_the_known_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends at the number of all pairs, whether they were known or sent."""
    bars: list[Any] = []

    def watched(*args: Any, **options: Any) -> Any:
        bars.append((options["initial"], options["total"], bar := tqdm(*args, **options)))
        return bar

    monkeypatch.setattr(module, "progress_bar", watched)
    use_backends(monkeypatch, m=Backend())
    for depth in (2, 5):
        with started(config_for({"a": api()}, depths=[depth]), tmp_path, DATA) as run:
            quality_pass(run, run.sessions[0], DATA)
    assert [(initial, total, bar.n) for initial, total, bar in bars] == [(0, 8, 8), (8, 20, 20)]


@pytest.mark.parametrize("throttled", [False, True])
def test_the_fewest_calls_in_flight_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, throttled: bool
) -> None:
    """The configured number, unless the server throttled; a second dataset can only lower it."""
    use_backends(monkeypatch, m=Backend())
    more = eval_set(name="more")
    with started(config_for({"a": api(concurrency=3)}), tmp_path, DATA, more) as run:
        if throttled:
            run.recorder.lowest_concurrency["a"] = 1
        for one in run.eval_sets:
            quality_pass(run, run.sessions[0], one)
    assert run.recorder.lowest_concurrency == {"a": 1 if throttled else 3}
