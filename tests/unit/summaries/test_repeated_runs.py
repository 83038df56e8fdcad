"""Repeated runs of one version: values are averaged by query, and what is not a repeat is refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evalkit.errors import InputError
from evalkit.records import MetricValues
from evalkit.summaries.gate_evidence import Evidence
from evalkit.summaries.repeated_runs import averaged, check_repeats

KEY = ("d", "r")


def run(name: str, *values: float, query_ids: tuple[str, ...] = ("q1", "q2"), **changes: Any) -> Evidence:
    """Return a run with one value for each query."""
    found = MetricValues("r", ("m",), query_ids, np.array(values)[:, None])
    fields: dict[str, Any] = {
        "name": name, "first_stage": "bm25", "values": {KEY: found}, "unscored": {KEY: 0},
        "prints": {"d": {"depth": "5"}}, "rounds": {}, "calls": {KEY: (10, 1)},
        "rankings": {KEY: dict.fromkeys(query_ids, "x")},
    }  # fmt: skip
    return Evidence(**fields | changes)


def test_one_run_is_itself() -> None:
    """Bit for bit."""
    one = run("a", 0.1, 0.7)
    found = averaged([one])
    assert np.array_equal(found.values[KEY].values, one.values[KEY].values)
    assert (found.name, found.calls, found.rankings, found.unscored) == (
        "a",
        one.calls,
        one.rankings,
        {KEY: 0},
    )


def test_values_are_averaged_by_query() -> None:
    """Whatever the order of the queries; calls add up, and rankings that differ are unknown."""
    other = run(
        "b", 1.0, 0.2, query_ids=("q2", "q1"), rankings={KEY: {"q1": "x", "q2": "y"}}, calls={KEY: (20, 0)}
    )
    found = averaged([run("a", 0.4, 0.5), other])
    assert found.values[KEY].query_ids == ("q2", "q1")
    assert found.values[KEY].values.ravel().tolist() == pytest.approx([0.75, 0.3])
    assert (found.name, found.calls, found.rankings) == ("b", {KEY: (30, 1)}, {KEY: {"q1": "x"}})


def test_a_query_without_score_in_one_run_has_none() -> None:
    """The gate then is invalid, as for a single run."""
    found = averaged([run("a", 0.4, query_ids=("q1",), unscored={KEY: 1}), run("b", 0.4, 0.5)])
    assert found.unscored == {KEY: 1}
    assert found.values[KEY].query_ids == ("q1",)


@pytest.mark.parametrize(
    ("changes", "what"),
    [({"prints": {"d": {"depth": "6"}}}, "judgments, candidates, depth"), ({"values": {}}, "rerankers or datasets")],
)  # fmt: skip
def test_runs_of_other_things_are_refused(changes: dict[str, Any], what: str) -> None:
    """With both names."""
    with pytest.raises(InputError, match=f"a and b cannot be averaged: different {what}"):
        averaged([replace(run("a", 0.1, 0.2), **changes), run("b", 0.1, 0.2)])


def test_cached_scores_are_no_repeat() -> None:
    """Two results, of which one took its scores from the store; a single result may."""
    check_repeats([result(0), result(0)])
    check_repeats([result(5)])
    with pytest.raises(InputError, match="r reused 5 cached scores, so it is not an independent run"):
        check_repeats([result(0), result(5)])


def test_copies_and_other_configurations_are_no_repeats() -> None:
    """A run counts once, and only with runs of its own configuration. Older results do not name their sessions."""
    check_repeats([result(0, "s1"), result(0, "s2")])
    with pytest.raises(InputError, match="r is a copy of r"):
        check_repeats([result(0, "s1"), result(0, "s1")])
    with pytest.raises(
        InputError, match="r is a copy of r"
    ):  # an unfinished folder was copied, and both were resumed
        check_repeats([result(0, "s1", "s2"), result(0, "s1", "s3")])
    with pytest.raises(InputError, match="different configurations"):
        check_repeats([result(0, "s1", depth=10), result(0, "s2", depth=20)])


def result(reused: int, *sessions: str, **config: int) -> Any:
    """Return the parts of a result that are checked."""
    manifest = SimpleNamespace(pairs=[SimpleNamespace(reused=reused)], sessions=sessions)
    folder, recorded = SimpleNamespace(path="r"), SimpleNamespace(everything=config)
    return SimpleNamespace(folder=folder, manifest=manifest, config=recorded)
