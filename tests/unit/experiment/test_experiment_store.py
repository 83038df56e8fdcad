"""The store of an experiment: what it knows before and after it is attached to a result folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.experiments import call, started
from support.inspected import dataset

from evalkit.config import Config
from evalkit.config.load import build_config
from evalkit.config.source import Source
from evalkit.errors import InputError, StorageError
from evalkit.experiment import experiment_store
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.experiment_store import Reused, older_key, open_store, read_store
from evalkit.experiment.journal import to_entry
from evalkit.experiment.sessions import opened
from evalkit.records import Run
from evalkit.reranking import Batch, CallContext, Caps, Outcome, RerankerSession, RetryingCaller, batch
from evalkit.results.folder import ResultFolder
from evalkit.store import JournalEntry, StoredScore

DATA = dataset({"a": "the cat", "b": "the dog"}, {"q": "cat"}, {"q": {"a": 1}})
EVAL_SET = EvalSet(DATA, Run.from_rows("bm25", ["q", "q"], ["a", "b"], np.array([2.0, 1.0])))


@pytest.fixture
def config() -> Config:
    """Return a configuration with a reranker that runs in this process."""
    rerankers = {"words": {"backend": "lexical"}}
    return build_config(Source("c", data={"name": "c", "datasets": ["demo"], "rerankers": rerankers}))


def known(config: Config, into: Path, *earlier: str) -> int:
    """Return how many pairs a reading store knows, with refresh in a run of these earlier sessions."""
    with read_store(config, into) as store:
        scores = store.lookup(0.0, refresh=bool(earlier), earlier=earlier)
        rows = scores.rows("words", EVAL_SET, EVAL_SET.candidates, pointwise=True)
    return sum(len(row.known_ranks) for row in rows.values())


def score(config: Config, into: Path, folder: ResultFolder) -> tuple[str, int, int]:
    """Score everything and keep it; return the session, and the scores reused and resumed."""
    with open_store(config, into) as store, opened(config) as (session,):
        kept = store.attach(store.lookup(store.requested_s), folder)
        rows = kept.recall(session, EVAL_SET, EVAL_SET.candidates)
        ranks = {query: row.known_ranks for query, row in rows.items()}
        items = batch(EVAL_SET.candidates, DATA, session.caps, pointwise=True, known=ranks)
        for item in items:
            kept.keep(session, _outcome(session, item))
        reused = kept.reused[DATA.name, "words"]
        return store.session, reused.pairs, reused.resumed


def _outcome(session: RerankerSession, item: Batch) -> Outcome:
    caller = RetryingCaller(session)
    (outcome,) = caller.deliver(item, CallContext(DATA.name, "words", "quality"))
    return outcome


def test_a_store_is_made_by_the_first_folder_that_is_attached(tmp_path: Path, config: Config) -> None:
    """Opening makes no file; an attached store keeps scores, which later experiments reuse."""
    with open_store(config, tmp_path) as store:
        assert store.scores is None
    with read_store(config, tmp_path) as reading:
        assert reading.scores is None
    assert not (tmp_path / "scores.sqlite").exists()
    folder = ResultFolder(tmp_path / "first")
    run, *counts = score(config, tmp_path, folder)
    another, *counts_of_another = score(config, tmp_path, ResultFolder(tmp_path / "second"))
    assert (counts, counts_of_another) == ([0, 0], [2, 0])
    with read_store(config, tmp_path) as reading:
        assert len(reading.journal(folder, [run])) == 1
        assert not reading.journal(ResultFolder(tmp_path / "second"), [another])


def test_calls_that_only_look_scores_up_wait_for_each_other(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is in the journal at once, for a run that is resumed; the others once they are asked for."""
    monkeypatch.setattr(experiment_store, "_TOGETHER_S", 3600.0)
    folder = ResultFolder(tmp_path / "first")
    with open_store(config, tmp_path) as store, opened(config) as (session,):
        looked_up = replace(store.lookup(store.requested_s), identities={})
        kept = store.attach(looked_up, folder)
        for _ in range(3):
            for item in batch(EVAL_SET.candidates, DATA, Caps(1), pointwise=True):
                kept.keep(session, _outcome(session, item))
        assert len(store.journal(folder, [kept.run])) == 1
        kept.keep_waiting()
        assert len(store.journal(folder, [kept.run])) == 6
    assert known(config, tmp_path) == 0


def test_with_refresh_only_scores_of_the_own_sessions_are_known(tmp_path: Path, config: Config) -> None:
    """Scores of other experiments are ignored, those of the experiment's own earlier sessions are not."""
    with open_store(config, tmp_path) as store, opened(config) as (session,):
        kept = store.attach(store.lookup(store.requested_s), ResultFolder(tmp_path / "first"))
        for item in batch(EVAL_SET.candidates, DATA, session.caps, pointwise=True):
            kept.keep(session, _outcome(session, item))
    assert known(config, tmp_path, store.session) == 2
    assert known(config, tmp_path, "another") == 0


def test_a_store_for_reading_writes_nothing(tmp_path: Path, config: Config) -> None:
    """The database refuses changes, and another experiment may have the store open meanwhile."""
    score(config, tmp_path, ResultFolder(tmp_path / "first"))
    with open_store(config, tmp_path), read_store(config, tmp_path) as reading:
        assert reading.scores is not None
        with pytest.raises(StorageError, match="cannot be used"):
            reading.scores.forget_runs(["any"])


def test_every_session_of_a_run_is_known_to_all_copies_of_its_folder(tmp_path: Path, config: Config) -> None:
    """The run is its first session: the manifest of one copy lacks the sessions of the other, the journal has them."""
    run, *_ = score(config, tmp_path, ResultFolder(tmp_path / "first"))
    with open_store(config, tmp_path) as store:
        store.attach(store.lookup(store.requested_s, earlier=(run,)), ResultFolder(tmp_path / "copy"))
    with read_store(config, tmp_path) as reading:
        assert reading.sessions([run]) == (run, store.session)
        assert reading.sessions([run, "further"]) == (run, "further", store.session)
        assert reading.sessions([]) == ()
        assert len(reading.journal(ResultFolder(tmp_path / "anywhere"), [run])) == 1


SCORES = st.builds(
    StoredScore,
    st.just(0.5),
    st.none(),
    st.floats(0, 100),
    st.sampled_from([None, "m1", "m2"]),
    st.sampled_from([None, "now", "before", "other"]),
)


@given(first=st.lists(SCORES), second=st.lists(SCORES))
def test_every_known_score_is_counted_by_the_session_that_obtained_it(
    first: Sequence[StoredScore], second: Sequence[StoredScore]
) -> None:
    """Counted in several lists as in one; where no score is old, its age is unknown, which is not 0."""
    counted = Reused()
    for scores in (first, second):
        counted.count(scores, "now", ("before",))
    of = {
        session: [one for one in (*first, *second) if one.session == session]
        for session in ("now", "before", "other", None)
    }
    outside = [*of["other"], *of[None]]
    assert (counted.pairs, counted.undated) == (len(outside), len(of[None]))
    assert (counted.resumed, counted.repeated) == (len(of["before"]), len(of["now"]))
    assert counted.oldest_s == min((one.stored_s for one in (*outside, *of["before"])), default=None)
    assert counted.models == tuple(sorted({one.model for one in outside if one.model is not None}))


def test_only_scores_of_rankings_are_stored(tmp_path: Path, config: Config) -> None:
    """Calls of every pass are in the journal; scores of a check or a warm-up are not stored."""
    with started(config, tmp_path, EVAL_SET) as run:
        (session,) = run.sessions
        items = list(batch(EVAL_SET.candidates, DATA, session.caps, pointwise=True))
        for name in ("check", "warmup", "latency"):
            (outcome,) = RetryingCaller(session).deliver(items[0], CallContext(DATA.name, "words", name))
            run.store.keep(session, outcome)
        assert not run.store.rows("words", EVAL_SET, EVAL_SET.candidates, pointwise=True)
        run.store.keep(session, _outcome(session, items[0]))
        assert run.store.knows_all("words", EVAL_SET, EVAL_SET.candidates, pointwise=True)
        assert len(run.store.scores.journal(run.store.run)) == 4


def test_a_batch_is_stored_with_all_of_its_scores_or_not_at_all(tmp_path: Path, config: Config) -> None:
    """Where the scores cannot be written, the call is not in the journal either: it will be made again."""
    with started(config, tmp_path, EVAL_SET) as run:
        (session,) = run.sessions
        outcome = _outcome(session, next(batch(EVAL_SET.candidates, DATA, session.caps, pointwise=True)))
        broken = replace(outcome, batch=replace(outcome.batch, ranks=(1,)))
        with pytest.raises(ValueError, match="shorter"):
            run.store.keep(session, broken)
        assert run.store.scores.journal(run.store.run) == []
        assert not run.store.rows("words", EVAL_SET, EVAL_SET.candidates, pointwise=True)


def test_a_finished_run_has_no_journal_and_keeps_its_scores(tmp_path: Path, config: Config) -> None:
    """The journals of other runs on the same store stay; one with the key of an earlier version goes, too."""
    first, second = ResultFolder(tmp_path / "first"), ResultFolder(tmp_path / "second")
    run, *_ = score(config, tmp_path, first)
    with open_store(config, tmp_path) as store:
        kept = store.attach(store.lookup(store.requested_s), second)
        with kept.scores.transaction():
            kept._add(call())
            kept.scores.add_entry(older_key(second), to_entry(call()))
        assert len(store.journal(second, [store.session])) == 2
        kept.drop_journal()
        assert not store.journal(second, [store.session])
        assert store.sessions([store.session]) == (store.session,)
        assert len(store.journal(first, [run])) == 1
    assert known(config, tmp_path) == 2


def test_a_damaged_journal_names_the_store(tmp_path: Path, config: Config) -> None:
    """A record that cannot be read stops the run: nothing is asked for again in silence."""
    folder = ResultFolder(tmp_path / "first")
    run, *_ = score(config, tmp_path, folder)
    with open_store(config, tmp_path) as store:
        kept = store.attach(store.lookup(store.requested_s, earlier=(run,)), folder)
        with kept.scores.transaction():
            kept.scores.add_entry(kept.run, JournalEntry("call", b'{"dataset": "d"}'))
    with (
        read_store(config, tmp_path) as reading,
        pytest.raises(InputError, match=r"scores\.sqlite is damaged"),
    ):
        reading.journal(folder, [run])


def test_a_store_has_its_configured_place(tmp_path: Path, config: Config) -> None:
    """Without one it lies next to the result folders."""
    with read_store(config, tmp_path) as store:
        assert store.path == tmp_path / "scores.sqlite"
    shared = build_config(
        Source("c", data={"name": "c", "datasets": ["demo"], "rerankers": {"words": {"backend": "lexical"}},
                          "store": {"path": str(tmp_path / "shared.sqlite")}})
    )  # fmt: skip
    with read_store(shared, tmp_path / "results") as store:
        assert store.path == tmp_path / "shared.sqlite"
