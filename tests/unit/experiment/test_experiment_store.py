"""The store of an experiment: what it knows before and after it is attached to a result folder."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from support.inspected import dataset

from evalkit.config import Config
from evalkit.config.load import build_config
from evalkit.config.source import Source
from evalkit.errors import StorageError
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.experiment_store import open_store, read_store
from evalkit.experiment.sessions import opened
from evalkit.records import Run
from evalkit.reranking import Batch, CallContext, Outcome, RerankerSession, RetryingCaller, batch
from evalkit.results.folder import ResultFolder

DATA = dataset({"a": "the cat", "b": "the dog"}, {"q": "cat"}, {"q": {"a": 1}})
EVAL_SET = EvalSet(DATA, Run.from_rows("bm25", ["q", "q"], ["a", "b"], np.array([2.0, 1.0])))


@pytest.fixture
def config() -> Config:
    """Return a configuration with a reranker that runs in this process."""
    rerankers = {"words": {"backend": "lexical"}}
    return build_config(Source("c", data={"name": "c", "datasets": ["demo"], "rerankers": rerankers}))


def known(config: Config, into: Path, since_s: float) -> int:
    """Return how many pairs a reading store knows."""
    with read_store(config, into) as store:
        scores = store.lookup(since_s, refresh=True)
        rows = scores.rows("words", EVAL_SET, EVAL_SET.candidates, pointwise=True)
    return sum(len(row.known_ranks) for row in rows.values())


def score(config: Config, into: Path, folder: ResultFolder) -> tuple[int, int]:
    """Score everything and keep it; return the scores reused and resumed."""
    with open_store(config, into) as store, opened(config) as (session,):
        kept = store.attach(store.lookup(store.requested_s), folder)
        rows = kept.recall(session, EVAL_SET, EVAL_SET.candidates)
        ranks = {query: row.known_ranks for query, row in rows.items()}
        items = batch(EVAL_SET.candidates, DATA, session.caps, pointwise=True, known=ranks)
        for item in items:
            kept.keep(session, _outcome(session, item))
        reused = kept.reused[DATA.name, "words"]
        return reused.pairs, reused.resumed


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
    assert score(config, tmp_path, folder) == (0, 0)
    assert score(config, tmp_path, ResultFolder(tmp_path / "second")) == (2, 0)
    with read_store(config, tmp_path) as reading:
        assert len(reading.journal(folder)) == 1
        assert not reading.journal(ResultFolder(tmp_path / "second"))


def test_with_refresh_only_scores_since_the_start_are_known(tmp_path: Path, config: Config) -> None:
    """Scores from before the experiment are ignored, those of its own earlier sessions are not."""
    before = time.time()
    score(config, tmp_path, ResultFolder(tmp_path / "first"))
    assert known(config, tmp_path, before) == 2
    assert known(config, tmp_path, time.time()) == 0


def test_a_store_for_reading_writes_nothing(tmp_path: Path, config: Config) -> None:
    """The database refuses changes, and another experiment may have the store open meanwhile."""
    score(config, tmp_path, ResultFolder(tmp_path / "first"))
    with open_store(config, tmp_path), read_store(config, tmp_path) as reading:
        assert reading.scores is not None
        with pytest.raises(StorageError, match="cannot be used"):
            reading.scores.forget_run("any")
