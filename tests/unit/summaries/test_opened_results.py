"""Comparison sets of result folders and of TREC files, and whether two of them can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.result_folders import manifest_of, score_rows, write_result
from support.systems import Scores, run_of, set_of

from evalkit.comparison import ComparisonSet
from evalkit.errors import IncompleteError, InputError
from evalkit.records import Qrels, Query
from evalkit.summaries.opened_results import (
    OpenedResult,
    distinct_tags,
    matched_tags,
    mismatch,
    open_result,
    runs_set,
    version_sets,
)

GRADES = {"q1": {"a": 1}, "q2": {"b": 2, "c": 0}}
FIRST: Scores = {"q1": {"a": 2.0, "b": 1.0}, "q2": {"a": 2.0, "b": 1.0}}
TREC_QRELS = "q1 0 a 1\nq2 0 b 1\nq3 0 c 1\nq4 0 d 0\n"


def opened(
    path: Path,
    tags: tuple[str, ...] = ("r",),
    judged: Mapping[str, Mapping[str, Mapping[str, int]]] | None = None,
    **options: Any,
) -> OpenedResult:
    """Write and open a result in which every system has the scores of the first stage."""
    datasets = judged or {"d": GRADES}
    rows = [row for name in datasets for tag in ("bm25", *tags) for row in score_rows(name, tag, FIRST)]
    return open_result(write_result(path, datasets, rows, **options).path)


def test_a_result_is_opened_at_its_largest_depth(tmp_path: Path) -> None:
    """One comparison set for each dataset, with the first stage and all rerankers, queries and their fields."""
    queries = {"d1": [Query("q1", "text", {"kind": "x"}), Query("q2", "other text", {})]}
    result = opened(
        tmp_path / "f", judged={"d1": GRADES, "d2": GRADES}, queries=queries, config={"depths": [1, 2]}
    )
    one, two = result.comparison_sets
    assert (one.dataset, two.dataset, one.depth, two.depth) == ("d1", "d2", 2, 2)
    assert one.queries["q1"].fields == {"kind": "x"}
    assert two.queries == {}
    for comparison_set in (one, two):
        assert list(comparison_set.systems) == ["bm25", "r"]
        assert comparison_set.systems["r"].run.docs("q2") == ("a", "b")
        assert comparison_set.first_stage is comparison_set.systems["bm25"].run
    assert result.rerankers == ("r",)


@pytest.mark.parametrize("status", ["running", "incomplete", "failed"])
def test_an_incomplete_result_is_opened_on_demand_only(tmp_path: Path, status: str) -> None:
    """The default is an error with its own exit code; on demand the missing queries are named."""
    manifest = manifest_of(["d"], ["r"], status=status)
    rows = score_rows("d", "bm25", FIRST) + score_rows("d", "r", {"q1": FIRST["q1"]})
    folder = write_result(tmp_path / "f", {"d": GRADES}, rows, manifest=manifest)
    with pytest.raises(IncompleteError, match=f"is {status}: some queries have no scores"):
        open_result(folder.path)
    result = open_result(folder.path, allow_incomplete=True)
    assert result.comparison_sets[0].systems["r"].unscored == ("q2",)
    assert result.comparison_sets[0].systems["r"].values.query_ids == ("q1",)


def test_a_result_of_timed_calls_cannot_be_compared(tmp_path: Path) -> None:
    """It ranks nothing; the hint names the command that does."""
    with pytest.raises(InputError, match="contains only latencies") as caught:
        opened(tmp_path / "f", config={"quality": False})
    assert "evalkit run" in (caught.value.hint or "")


def test_a_folder_without_manifest_is_no_result(tmp_path: Path) -> None:
    """Neither an empty folder nor a missing one can be opened."""
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError):
            open_result(path)


def write_runs(folder: Path, *runs: tuple[str, str, str]) -> list[Path]:
    """Write files of run rows; each run is a file name, a tag, and queries separated by spaces."""
    files = []
    for name, tag, query_ids in runs:
        file = folder / name
        rows = [f"{q} Q0 {d} 1 {s} {tag}" for q in query_ids.split() for d, s in (("a", 2), ("b", 1))]
        file.write_text("\n".join(rows) + "\n", encoding="utf-8")
        files.append(file)
    return files


def test_trec_runs_are_evaluated_as_trec_eval_does(tmp_path: Path) -> None:
    """A query that a run lacks counts as 0; unanswerable queries are in no mean; the first run has no first stage."""
    qrels = tmp_path / "mine.qrels"
    qrels.write_text(TREC_QRELS, encoding="utf-8")
    files = write_runs(tmp_path, ("one.run", "one", "q1 q2"), ("two.run", "two", "q3 q9"))
    comparison_set = runs_set(qrels, files, ["RR"])
    values = {name: system.values.of("RR").tolist() for name, system in comparison_set.systems.items()}
    assert values == {"one": [1.0, 0.5, 0.0], "two": [0.0, 0.0, 0.0]}
    assert comparison_set.systems["one"].values.query_ids == ("q1", "q2", "q3")
    assert (comparison_set.dataset, comparison_set.first_stage, comparison_set.depth) == ("mine", None, None)


def test_unusable_trec_files_are_input_errors(tmp_path: Path) -> None:
    """Judgments without a relevant document, and a run without a judged query."""
    (run,) = write_runs(tmp_path, ("one.run", "one", "q9"))
    qrels = tmp_path / "q"
    qrels.write_text(TREC_QRELS, encoding="utf-8")
    with pytest.raises(InputError, match="run 'one' contains none of the judged queries"):
        runs_set(qrels, [run], ["RR"])
    qrels.write_text("q1 0 a 0\n", encoding="utf-8")
    with pytest.raises(InputError, match="contains no query with a relevant document"):
        runs_set(qrels, [run], ["RR"])


@given(st.lists(st.sampled_from("abc"), max_size=8))
def test_only_shared_tags_are_replaced(tags: list[str]) -> None:
    """A unique tag stays; all runs with a shared tag get their names, so that all are distinct."""
    names = [f"file{i}" for i in range(len(tags))]
    runs = distinct_tags([run_of(tag, {}) for tag in tags], names)
    found = [run.tag for run in runs]
    assert len(set(found)) == len(tags)
    for tag, name, new in zip(tags, names, found, strict=True):
        assert new == (tag if tags.count(tag) == 1 else name)


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        (("a", "b"), ("b", "c"), [("b", "b")]),
        (("a", "b"), ("b", "a"), [("a", "a"), ("b", "b")]),
        (("a",), ("b",), [("a", "b")]),  # the only reranker of each folder: a renamed version
        (("a",), ("b", "c"), None),
        (("a", "b"), ("c",), None),
        ((), ("c",), None),
    ],
)
def test_versions_are_matched_by_tag(
    tmp_path: Path, before: tuple[str, ...], after: tuple[str, ...], pairs: list[tuple[str, str]] | None
) -> None:
    """Shared tags are pairs; without any, the only reranker of each folder is one; else it is an error."""
    one, other = opened(tmp_path / "one", before), opened(tmp_path / "other", after)
    if pairs is None:
        with pytest.raises(InputError, match="no reranker is in both folders"):
            matched_tags(one, other)
    else:
        assert matched_tags(one, other) == pairs


def test_two_versions_are_systems_of_one_set(tmp_path: Path) -> None:
    """They are named before and after; each has the run of its own folder."""
    before, after = opened(tmp_path / "one", ("r1",)), opened(tmp_path / "other", ("r2",))
    (comparison_set,) = version_sets(before, after, ("r1", "r2"))
    assert {name: system.name for name, system in comparison_set.systems.items()} == {
        "before": "before", "after": "after"
    }  # fmt: skip
    assert comparison_set.systems["before"].run is before.comparison_sets[0].systems["r1"].run
    assert comparison_set.systems["after"].run is after.comparison_sets[0].systems["r2"].run


def test_versions_on_other_data_are_not_compared(tmp_path: Path) -> None:
    """A missing dataset and other judgments are errors that name the dataset."""
    before = opened(tmp_path / "one", judged={"d1": GRADES, "d2": GRADES})
    with pytest.raises(InputError, match="does not contain dataset 'd2'"):
        version_sets(before, opened(tmp_path / "two", judged={"d1": GRADES}), ("r", "r"))
    other = {"q1": {"a": 2}, "q2": GRADES["q2"]}
    after = opened(tmp_path / "three", judged={"d1": GRADES, "d2": other})
    with pytest.raises(
        InputError, match=r"d2: .* cannot be compared: the judgments of 1 queries differ \(first: 'q1'"
    ):
        version_sets(before, after, ("r", "r"))


BASE = set_of(GRADES, run_of("bm25", FIRST), depth=2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"dataset": "another name"}, None),
        ({"depth": 3}, "depth 2 and depth 3"),
        ({"first_stage": None}, None),
        ({"first_stage": run_of("x", {"q1": {"b": 9.0, "a": 1.0}, "q2": FIRST["q2"]})}, None),
        ({"first_stage": run_of("x", {"q1": FIRST["q1"]})}, "different queries have candidates"),
        (
            {"first_stage": run_of("x", {"q1": {"a": 1.0}, "q2": FIRST["q2"]})},
            "the candidates of 1 queries differ (first: 'q1')",
        ),
        ({"qrels": Qrels({"q1": GRADES["q1"]})}, "different judged queries (2 and 1)"),
        ({"qrels": Qrels({"q1": GRADES["q1"], "q9": {}})}, "different judged queries (2 and 2)"),
        (
            {"qrels": Qrels({"q1": {"a": 1}, "q2": {"b": 2}})},
            "the judgments of 1 queries differ (first: 'q2')",
        ),
    ],
)
def test_sets_match_if_judgments_candidates_and_depth_do(changes: dict[str, Any], reason: str | None) -> None:
    """The order of the candidates and the name of the dataset do not matter; every reason counts the queries."""
    other: ComparisonSet = replace(BASE, **changes)
    assert mismatch(BASE, other) == reason
    assert (mismatch(other, BASE) is None) == (reason is None)
    assert mismatch(other, other) is None


def test_subtopics_of_one_set_only_are_no_difference() -> None:
    """Earlier versions stored none; where both have them, they are compared."""
    one, other = ({"q1": {name: {"a": 1}}} for name in ("x", "y"))
    with_one, with_other = (
        replace(BASE, qrels=replace(BASE.qrels, subtopics=subtopics)) for subtopics in (one, other)
    )
    assert mismatch(with_one, BASE) is mismatch(BASE, with_one) is mismatch(with_one, with_one) is None
    assert mismatch(with_one, with_other) == "the judgments by subtopic differ"


def test_sets_with_other_rules_below_the_depth_do_not_match() -> None:
    """Kept and dropped candidates make other rankings; the reason names both. Without any they are the same."""
    assert BASE.first_stage is not None
    at_one = replace(BASE, depth=1, below_depth="kept")
    dropped = replace(at_one, below_depth="dropped", first_stage=BASE.first_stage.cut(1))
    assert mismatch(at_one, dropped) == (
        "candidates below the depth are kept in one and dropped in the other (below_depth)"
    )
    assert mismatch(at_one, at_one) is None
    whole = replace(BASE, below_depth="kept")
    assert mismatch(whole, BASE) is mismatch(BASE, whole) is None
