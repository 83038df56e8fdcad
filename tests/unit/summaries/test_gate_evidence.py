"""The part of a result that a gate compares: hashes of the data, medians of rounds, failed calls."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.call_tables import call, timed_call
from support.result_folders import manifest_of, score_rows, write_result
from support.systems import Scores

from evalkit.summaries.gate_evidence import Evidence, evidence_of
from evalkit.summaries.opened_results import open_result

GRADES = {"q1": {"a": 1}, "q2": {"b": 2, "c": 0}}
FIRST: Scores = {"q1": {"a": 2.0, "b": 1.0}, "q2": {"a": 2.0, "b": 1.0}}


def evidence(
    path: Path,
    *calls: dict[str, Any],
    grades: Mapping[str, Mapping[str, int]] = GRADES,
    first: Scores = FIRST,
    reranked: Scores | None = None,
    depth: int = 2,
) -> Evidence:
    """Return the evidence of a result with one reranker on one dataset."""
    rows = score_rows("d", "bm25", first) + score_rows("d", "r", first if reranked is None else reranked)
    manifest = manifest_of(["d"], list(dict.fromkeys(["r", *(one["reranker"] for one in calls)])))
    folder = write_result(
        path, {"d": grades}, rows, manifest=manifest, calls=calls, config={"depths": [depth]}
    )
    return evidence_of(open_result(folder.path))


def prints(path: Path, **changes: Any) -> Mapping[str, str]:
    """Return the hashes of a result."""
    return evidence(path, **changes).prints["d"]


def test_values_are_those_of_every_system(tmp_path: Path) -> None:
    """First stage and rerankers have values; tags are the rerankers only."""
    found = evidence(tmp_path / "f")
    assert set(found.values) == {("d", "bm25"), ("d", "r")}
    assert found.values["d", "r"].query_ids == ("q1", "q2")
    assert found.unscored == {("d", "bm25"): 0, ("d", "r"): 0}
    assert (found.tags, found.datasets, found.first_stage) == (("r",), ("d",), "bm25")
    assert found.name == str(tmp_path / "f")
    assert (found.rounds, found.calls) == ({}, {})


def test_queries_without_scores_are_counted(tmp_path: Path) -> None:
    """The gate must not take a failed query for a fall in quality."""
    found = evidence(tmp_path / "f", reranked={"q2": FIRST["q2"]})
    assert found.unscored["d", "r"] == 1
    assert found.values["d", "r"].query_ids == ("q2",)


def test_the_same_data_have_the_same_hashes(tmp_path: Path) -> None:
    """Order of queries and documents, scores of the first stage and those of rerankers do not count."""
    base = prints(tmp_path / "base")
    reordered = {"q2": {"c": 0, "b": 2}, "q1": {"a": 1}}
    lists = {"q2": {"b": 9.0, "a": 1.0}, "q1": {"b": 7.0, "a": 0.5}}
    assert prints(tmp_path / "other", grades=reordered, first=lists) == base
    assert set(base) == {"judgments", "candidates", "depth", "below_depth"}
    assert base["depth"] == "2"


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"grades": {**GRADES, "q2": {"b": 1, "c": 0}}}, "judgments"),
        ({"grades": {**GRADES, "q2": {"b": 2}}}, "judgments"),
        ({"grades": {**GRADES, "q3": {"x": 0}}}, "judgments"),
        ({"first": {**FIRST, "q2": {"a": 2.0, "c": 1.0}}}, "candidates"),
        ({"first": {**FIRST, "q2": {"a": 2.0}}}, "candidates"),
        ({"first": {**FIRST, "q3": {"a": 2.0}}}, "candidates"),
        ({"depth": 3}, "depth"),
    ],
)
def test_each_change_of_the_data_changes_one_hash(tmp_path: Path, changes: dict[str, Any], part: str) -> None:
    """A gate can name the part that differs: judgments, candidates or depth."""
    base, other = prints(tmp_path / "base"), prints(tmp_path / "other", **changes)
    assert {name for name in base if base[name] != other[name]} == {part}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from([5, 10]), st.sampled_from([1, 4]), st.integers(0, 2), st.floats(0.01, 9)),
        min_size=1,
        max_size=20,
    )
)
def test_rounds_have_the_log_of_their_median(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, int, float]]
) -> None:
    """Batch size and concurrency separate the cells; each round is one observation, its calls are not."""
    calls = [
        timed_call(i, seconds, batch_size=size, concurrency=flight, round=number)
        for i, (size, flight, number, seconds) in enumerate(rows)
    ]
    found = evidence(tmp_path_factory.mktemp("f") / "f", *calls).rounds
    expected: dict[tuple[int, int], dict[int, list[float]]] = {}
    for size, flight, number, seconds in rows:
        expected.setdefault((size, flight), {}).setdefault(number, []).append(seconds)
    assert {key[2:] for key in found} == set(expected)
    for (size, flight), by_round in expected.items():
        logs = {number: float(np.log(np.median(seconds))) for number, seconds in by_round.items()}
        assert found["d", "r", size, flight] == pytest.approx(logs, abs=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "failed"},
        {"status": "retried"},
        {"pass": "warmup"},
        {"pass": "quality"},
        {"rate_per_s": 2.0, "concurrency": None},
        {"length_bucket": 1},
    ],
)
def test_other_calls_are_no_latency(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Failed and warm-up calls, open loops and parts of the collection do not change the median of a round."""
    good = timed_call(0, 1.0)
    found = evidence(tmp_path / "f", good, timed_call(1, 50.0, **changes))
    assert found.rounds == {("d", "r", 10, 1): {0: 0.0}}


def test_rounds_that_measure_the_load_generator_are_withheld(tmp_path: Path) -> None:
    """They have no medians, and the reason is kept; calls with another concurrency, or in open loops, are not."""
    late = {"harness_delay_s": 0.02, "harness_cpu": 0.5}
    open_loop = {"round": 0, "rate_per_s": 2.0, "concurrency": None}
    calls = [timed_call(i, 0.1, round=i % 6, encoded_s=100.0 * i, **late) for i in range(40)]
    calls += [timed_call(i, 0.1, round=i % 6, concurrency=4) for i in range(40, 52)]
    calls += [timed_call(i, 0.1, encoded_s=100.0 * i, **late | open_loop) for i in range(52, 72)]
    found = evidence(tmp_path / "f", *calls)
    assert set(found.rounds) == {("d", "r", 10, 4)}
    assert set(found.withheld) == {("d", "r", 10, 1)}
    assert found.withheld["d", "r", 10, 1].startswith("the load generator was the bottleneck")


def test_failures_count_calls_that_ended(tmp_path: Path) -> None:
    """A retried attempt is followed by another one and counts neither as a call nor as a failure."""
    rows = [call(), call(status="retried"), call(status="failed"), timed_call(0, 1.0), call(reranker="s")]
    assert evidence(tmp_path / "f", *rows).calls == {("d", "r"): (3, 1), ("d", "s"): (1, 0)}


def test_failures_of_an_open_loop_do_not_count(tmp_path: Path) -> None:
    """At a rate above the capacity calls time out: that is a property of the rate."""
    overloaded = timed_call(0, 1.0, rate_per_s=100.0, concurrency=None, status="failed")
    assert evidence(tmp_path / "f", call(), overloaded).calls == {("d", "r"): (1, 0)}
