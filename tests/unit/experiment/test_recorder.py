"""The recorder: what is counted, what a resumed session need not repeat, and the tables that are written."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.experiments import call
from support.inspected import candidates
from support.scripted import item

from evalkit.errors import CallError, StorageError
from evalkit.experiment.recorder import Recorder
from evalkit.records import Call, ServerTime, Timeline, Usage
from evalkit.reranking import Attempt, Outcome, ScoredCandidates
from evalkit.results.folder import ResultFolder
from evalkit.results.raw_tables import CALLS, SCORES

CALLS_OF_ALL_KINDS = st.builds(
    call,
    dataset=st.sampled_from(["d", "e"]),
    reranker=st.sampled_from(["r", "s"]),
    query_id=st.sampled_from(["q", "p"]),
    pass_=st.sampled_from(["quality", "warmup", "latency", "check"]),
    batch_size=st.integers(1, 3),
    status=st.sampled_from(["ok", "failed", "retried"]),
)


def scored(query_ids: tuple[str, ...], failed: tuple[str, ...] = (), missing: int = 0) -> ScoredCandidates:
    """Return one scored document for each query, with its place as its score."""
    count = len(query_ids)
    docs, ranks = tuple(f"d{n}" for n in range(count)), np.ones(count, dtype=np.int64)
    return ScoredCandidates(
        "r", query_ids, docs, ranks, np.arange(float(count)), (None,) * count, failed, missing
    )


def written(recorder: Recorder, folder: Path) -> ResultFolder:
    """Return the folder with the recorder's tables."""
    folder.mkdir()
    return recorder.write(ResultFolder(folder)).folder


@given(st.lists(CALLS_OF_ALL_KINDS))
def test_attempts_are_counted_by_reranker_and_status(calls: list[Call]) -> None:
    """Every attempt counts once; a reranker without calls has no entry."""
    counts = Recorder(calls=calls).count_calls()
    expected = Counter((one.reranker, one.status) for one in calls)
    assert set(counts) == {one.reranker for one in calls}
    assert {
        (tag, s): getattr(own, s) for tag, own in counts.items() for s in ("ok", "failed", "retried")
    } == {(tag, s): expected[tag, s] for tag in counts for s in ("ok", "failed", "retried")}


@given(st.lists(CALLS_OF_ALL_KINDS))
def test_only_successful_quality_calls_score_pairs(calls: list[Call]) -> None:
    """Warm-ups, timed calls, checks and failures score no pair that the result holds."""
    recorder = Recorder(calls=calls)
    for dataset in ("d", "e"):
        documents = 0
        for one in calls:
            if (
                one.reranker == "r"
                and one.dataset == dataset
                and one.status == "ok"
                and one.pass_ == "quality"
            ):
                documents += one.batch_size
        assert recorder.pairs_scored(dataset, "r") == documents


@given(st.lists(CALLS_OF_ALL_KINDS))
def test_a_reranker_has_answered_if_any_call_succeeded(calls: list[Call]) -> None:
    """Whichever pass and dataset the call was for; failures are no answer."""
    answered = {one.reranker for one in calls if one.status == "ok"}
    assert {tag for tag in ("r", "s") if Recorder(calls=calls).has_asked(tag)} == answered


@pytest.mark.parametrize(
    ("changes", "finished"),
    [
        ({}, True),
        ({"status": "failed"}, False),
        ({"status": "retried"}, False),
        ({"status": "failed", "rate_per_s": 5.0}, True),
        ({"status": "retried", "rate_per_s": 5.0}, False),
        ({"pass_": "warmup"}, False),
        ({"dataset": "e"}, False),
    ],
    ids=str,
)
def test_a_timed_call_is_finished_if_it_gave_a_result(changes: dict[str, Any], finished: bool) -> None:
    """A failure is a result only where calls arrive at a rate: the server did not answer under that load."""
    recorder = Recorder(calls=[call(**{"pass_": "latency", "round": 0, **changes})])
    assert bool(recorder.timed("d")) is finished


@pytest.mark.parametrize(
    ("again", "left"),
    [({}, 0), ({"status": "failed"}, 1), ({"round": 1}, 1), ({"batch_size": 2}, 1), ({"dataset": "e"}, 1)],
    ids=str,
)
def test_a_failed_timing_counts_until_the_same_call_succeeds(again: dict[str, Any], left: int) -> None:
    """The same call: dataset, workload, round and query. Two failures of one call are one failed timing."""
    timing: dict[str, Any] = {"pass_": "latency", "round": 0}
    recorder = Recorder(calls=[call(**timing, status="failed"), call(**timing | again)])
    assert recorder.failed_timings == left


def test_failures_outside_the_latency_pass_are_no_failed_timings() -> None:
    """A failed quality call leaves a query without scores, which is counted elsewhere."""
    assert Recorder(calls=[call(status="failed"), call(pass_="warmup", status="failed")]).failed_timings == 0  # noqa: S106 - no password


def test_every_attempt_of_a_batch_is_recorded_with_its_failure() -> None:
    """A batch that succeeded at the second attempt has two calls and one failure."""
    first = Attempt(
        call(status="retried", http_status=503), None, CallError("http", "busy", "wait", http_status=503)
    )
    recorder = Recorder()
    recorder.add_outcome(Outcome(item(1), (first, Attempt(call(attempt=2), None, None))))
    assert [one.attempt for one in recorder.calls] == [1, 2]
    (failure,) = recorder.failures
    assert (failure.status, failure.attempt, failure.kind, failure.hint) == ("retried", 1, "http", "wait")


def test_a_batch_that_was_not_sent_is_a_failure_without_a_call() -> None:
    """What only a call has is unknown: dataset, reranker, pass and attempt are None."""
    recorder = Recorder()
    recorder.add_outcome(Outcome(item(3), (), CallError("http", "not asked")))
    assert not recorder.calls
    (failure,) = recorder.failures
    assert (failure.status, failure.query_id, failure.batch_size) == ("not sent", "q", 3)
    assert (failure.dataset, failure.reranker, failure.pass_, failure.attempt) == (None, None, None, None)


def test_a_pass_reports_its_queries_and_the_pairs_that_were_asked() -> None:
    """Asked is scored plus failed; failures add up over all passes; documents placed last are counted."""
    recorder = Recorder()
    recorder.add_scored("d", scored(("a", "a", "b"), failed=("c",), missing=2), None, 9)
    recorder.add_scored("e", scored((), failed=("x", "y")), 5, 7)
    first, second = recorder.quality_passes
    assert (first.asked, first.scored, first.failed, first.pairs) == (3, 2, ("c",), 9)
    assert (first.depth, first.documents_placed_last) == (None, 2)
    assert (second.asked, second.scored, second.depth) == (2, 0, 5)
    assert recorder.failed_queries == 3


def test_a_run_has_no_rank_of_the_first_stage(tmp_path: Path) -> None:
    """Its rows have its scores and its tag; what belongs to candidates and calls is unknown."""
    recorder = Recorder()
    recorder.add_run("d", replace(candidates({"q": ["a", "b"], "r": ["c"]}), tag="es"))
    rows = written(recorder, tmp_path / "r").read_scores()
    found = list(zip(rows["reranker"], rows["query_id"], rows["doc_id"], rows["score"], strict=True))
    assert found == [("es", "q", "a", 0.0), ("es", "q", "b", -1.0), ("es", "r", "c", 0.0)]
    assert rows[["retriever_rank", "list_rank", "depth"]].isna().all(axis=None)
    assert not recorder.quality_passes


@given(lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_ranks_of_the_first_stage_start_at_one_in_every_list(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int]
) -> None:
    """Each candidate keeps its list, its rank and its score; depth and place in a reply are unknown."""
    lists = {f"q{n}": [f"d{k}" for k in range(length)] for n, length in enumerate(lengths)}
    recorder = Recorder()
    recorder.add_first_stage("d", candidates(lists))
    rows = written(recorder, tmp_path_factory.mktemp("first") / "r").read_scores()
    found = list(zip(rows["query_id"], rows["doc_id"], rows["retriever_rank"], rows["score"], strict=True))
    assert found == [(q, d, rank + 1, -rank) for q, docs in lists.items() for rank, d in enumerate(docs)]
    assert rows["depth"].isna().all()
    assert rows["list_rank"].isna().all()


def test_scores_of_several_passes_are_one_table(tmp_path: Path) -> None:
    """In the order of the passes, each row with its dataset and the depth of its pass."""
    recorder = Recorder()
    recorder.add_scored("d", scored(("a", "b")), 3, 2)
    recorder.add_scored("e", scored(("c",)), None, 1)
    rows = written(recorder, tmp_path / "r").read_scores()
    assert rows["dataset"].tolist() == ["d", "d", "e"]
    assert rows["depth"].fillna(-1).tolist() == [3, 3, -1]
    assert rows["score"].tolist() == [0, 1, 0]


def test_nothing_recorded_is_empty_tables_with_all_columns(tmp_path: Path) -> None:
    """A run that was interrupted before its first call can be read like any other."""
    folder = written(Recorder(), tmp_path / "r")
    for table, columns in ((folder.read_scores(), SCORES), (folder.read_calls(), {**CALLS, "latency_s": ""})):
        assert len(table) == 0
        assert set(table.columns) == set(columns)
    assert folder.read_failures() == ()


def test_unknown_values_of_a_call_are_null_and_never_zero(tmp_path: Path) -> None:
    """A call in this process has no cost, no tokens, no model and no steps on a wire."""
    (row,) = written(Recorder(calls=[call()]), tmp_path / "r").read_calls().to_dict("records")
    unknown = (
        "cost_usd",
        "tokens",
        "units",
        "model",
        "server_s",
        "server_times",
        "sent_s",
        "body_s",
        "http_status",
    )
    assert {name for name in unknown if pd.isna(row[name])} == set(unknown)


def test_what_is_known_of_a_call_is_in_its_row(tmp_path: Path) -> None:
    """The cost at the configured price replaces the API's own; steps, times of the server and usage are kept."""
    known = call(
        pass_="latency",  # noqa: S106 - no password
        round=2,
        rate_per_s=4.0,
        cost_usd=0.5,
        usage=Usage(tokens=7, cost_usd=0.125),
        timeline=Timeline(1.0, 1.1, 1.2, 1.3),
        server_times=(ServerTime("x-time", 0.25, "request"),),
    )
    (row,) = written(Recorder(calls=[known]), tmp_path / "r").read_calls().to_dict("records")
    assert (row["pass"], row["scenario"], row["round"], row["rate_per_s"]) == ("latency", "server", 2, 4.0)
    assert (row["cost_usd"], row["tokens"]) == (0.5, 7)
    assert (row["encoded_s"], row["body_s"]) == (1.0, 1.3)
    assert row["latency_s"] == pytest.approx(0.3)
    assert orjson.loads(row["server_times"]) == {"x-time": {"seconds": 0.25, "of": "request"}}


@pytest.mark.parametrize("name", ["quality", "precision", "check"])
def test_only_timed_passes_have_a_scenario(tmp_path: Path, name: str) -> None:
    """How many calls were in flight says nothing about a pass that measures no latency."""
    (row,) = written(Recorder(calls=[call(pass_=name)]), tmp_path / "r").read_calls().to_dict("records")
    assert pd.isna(row["scenario"])


def test_tables_that_cannot_be_written_are_one_error(tmp_path: Path) -> None:
    """The folder is gone: a `StorageError` that names it."""
    with pytest.raises(StorageError, match="cannot write the result folder"):
        Recorder().write(ResultFolder(tmp_path / "gone"))
