"""Many results in one table: who shares a table, under which name, in which order."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.api_runs import write_collection
from support.checked import Backend
from support.finished import finished, lifted
from support.messages import said

from evalkit.errors import CallError, IncompleteError
from evalkit.records import RerankRequest
from evalkit.results.leaderboard_document import Leaderboard, LeaderboardRow
from evalkit.workflows.leaderboard import leaderboard

pytestmark = pytest.mark.usefixtures("blank_plots")
LIFTS = {"good": 3.0, "fair": 0.4, "poor": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a collection of 40 queries."""
    made = tmp_path_factory.mktemp("leaderboard")
    write_collection(made / "small", 40)
    return made


@pytest.fixture(scope="module")
def results(folder: Path, blank_plots: None) -> dict[str, Path]:  # noqa: ARG001 - for what it does
    """Return one result for each of three rerankers."""
    return {
        tag: finished(folder / "small", folder / tag, {tag: Backend(lifted(lift))})
        for tag, lift in LIFTS.items()
    }


def mean_of(result: Path, tag: str, metric: str = "nDCG@10") -> float:
    """Return a mean over the values that a folder holds."""
    values = pd.read_parquet(result / "values.parquet")
    return float(values[(values["reranker"] == tag) & (values["metric"] == metric)]["value"].mean())


def only(tables: list[Leaderboard]) -> dict[str, LeaderboardRow]:
    """Return the rows of the one table, by system."""
    (table,) = tables
    return {row.system: row for row in table.rows}


@pytest.mark.parametrize("metric", [None, "MRR@10"])
def test_systems_are_ranked_by_their_means(results: dict[str, Path], metric: str | None) -> None:
    """In whatever order the folders are given; the first stage, which all share, has one row."""
    rows = only(leaderboard([results["poor"], results["good"], results["fair"]], metric))
    means = [row.mean.estimate or 0 for row in rows.values()]
    assert means == sorted(means, reverse=True)
    assert [row.rank for row in rows.values()] == [1, 2, 3, 4]
    assert set(rows) == {"good", "fair", "poor", "bm25"}
    for tag, result in results.items():
        assert rows[tag].mean.estimate == pytest.approx(mean_of(result, tag, metric or "nDCG@10"))
        assert rows[tag].result == result.name
    assert rows["bm25"].result == results["poor"].name, "the first folder that holds it"


def test_ties_are_mutual(results: dict[str, Path]) -> None:
    """A system is tied with another if that one is tied with it; the best is not tied with the poorest here."""
    rows = only(leaderboard(list(results.values())))
    for name, row in rows.items():
        assert name not in row.tied_with
        assert all(name in rows[other].tied_with for other in row.tied_with)
    assert "poor" not in rows["good"].tied_with


def test_what_was_not_measured_is_unknown(results: dict[str, Path]) -> None:
    """Neither latency nor price is 0, and no system is said not to be dominated."""
    (table,) = leaderboard(list(results.values()))
    assert table.batch_size is None
    unknown = {(row.p50_s, row.usd_per_thousand_queries, row.dominated_by) for row in table.rows}
    assert unknown == {(None, None, None)}


def test_a_tag_in_two_folders_is_named_with_its_folder(folder: Path, results: dict[str, Path]) -> None:
    """Both of them; tags of one folder keep their names."""
    again = finished(folder / "small", folder / "again", {"good": Backend(lifted(0.2))})
    # Both may have been made within one second, and then have one name.
    again = again.rename(again.with_name("later"))
    rows = only(leaderboard([results["good"], results["fair"], again]))
    names = {f"good ({results['good'].name})", f"good ({again.name})"}
    assert names < set(rows)
    assert {"fair", *(name for name in rows if name.startswith("bm25"))} == set(rows) - names


def test_folders_of_one_name_are_told_apart_by_their_paths(folder: Path, results: dict[str, Path]) -> None:
    """Two results may have the same name in different folders: no system takes the place of another one."""
    again = finished(folder / "small", folder / "again", {"good": Backend(lifted(0.2))})
    one, other = (folder / name / "same" for name in ("x", "y"))
    for path, result in ((one, results["good"]), (other, again)):
        shutil.copytree(result, path)
    rows = only(leaderboard([one, other]))
    assert set(rows) == {"good (x/same)", "good (y/same)", "bm25"}
    assert rows["good (x/same)"].mean != rows["good (y/same)"].mean
    assert rows["good (x/same)"].result == "x/same"


def test_one_folder_under_two_paths_adds_no_row(folder: Path, results: dict[str, Path]) -> None:
    """A link to a result is that result."""
    link = folder / "link"
    link.symlink_to(results["good"])
    assert set(only(leaderboard([results["good"], link]))) == {"good", "bm25"}


def test_first_stages_of_one_tag_and_another_order_are_two_systems(
    folder: Path, results: dict[str, Path]
) -> None:
    """The candidates may be the same documents in another order: neither mean takes the place of the other one."""
    retriever = {"kind": "bm25", "k1": 0.01, "b": 0.0, "depth": 6}
    other = finished(folder / "small", folder / "b", {"fair": Backend(lifted(0.4))}, retriever=retriever)
    boards = leaderboard([results["good"], other])
    means = {
        path.name: {
            row.mean.estimate for board in boards for row in board.rows if row.system.startswith("bm25")
        }
        for path in (results["good"], other)
    }
    assert {mean_of(results["good"], "bm25"), mean_of(other, "bm25")} == set().union(*means.values())


def test_one_folder_given_twice_adds_no_row(results: dict[str, Path]) -> None:
    """It has one name and one mean."""
    once, twice = (only(leaderboard([results["good"]] * count)) for count in (1, 2))
    assert len(once) == len(twice) == 2
    assert {row.mean.estimate for row in once.values()} == {row.mean.estimate for row in twice.values()}


def test_another_depth_has_a_table_of_its_own(folder: Path, results: dict[str, Path]) -> None:
    """With the reason; a third result joins the table that it can be compared with."""
    shallow = finished(folder / "small", folder / "shallow", {"x": Backend(lifted(1.0))}, depths=[3])
    shallower = finished(folder / "small", folder / "shallower", {"y": Backend(lifted(1.0))}, depths=[2])
    deep, other, last = leaderboard([results["good"], shallow, results["fair"], shallower])
    assert {row.system for row in deep.rows} == {"good", "fair", "bm25"}
    assert {row.system for row in other.rows} == {"x", "bm25"}
    assert (deep.depth, deep.why, other.depth) == (6, None, 3)
    assert other.why == f"{shallow.name}: depth 6 and depth 3"
    assert last.why == f"{shallower.name}: depth 6 and depth 2", "why it is not in the first table"


def test_every_dataset_has_its_table(folder: Path, results: dict[str, Path]) -> None:
    """No reason is needed: results on two datasets are never in one table."""
    block = {"source": "beir_folder", "path": str(folder / "small")}
    two = finished(
        folder / "small",
        folder / "two",
        {"x": Backend(lifted(1.0))},
        datasets=[{**block, "name": "small"}, {**block, "name": "b"}],
    )
    first, second = leaderboard([results["good"], two])
    assert (first.dataset, first.why, second.dataset, second.why) == ("small", None, "b", None)
    assert {row.system for row in first.rows} == {"good", "x", "bm25"}
    assert {row.system for row in second.rows} == {"x", "bm25"}


def test_costs_are_those_of_the_result(folder: Path) -> None:
    """A price by request is that of a thousand queries with one call each."""
    price = {"usd_per_thousand_requests": 2.0, "as_of": "2026-11-22"}
    backends = {"paid": Backend(lifted(1.0)), "free": Backend(lifted(1.0))}
    result = finished(folder / "small", folder / "paid", backends, {"paid": {"price": price}})
    rows = only(leaderboard([result]))
    assert rows["paid"].usd_per_thousand_queries == pytest.approx(2.0)
    assert rows["free"].usd_per_thousand_queries is None


@pytest.mark.long
def test_latencies_are_compared_within_one_run(folder: Path, results: dict[str, Path]) -> None:
    """At the largest batch size up to the depth that all timed systems share; others stay unknown."""
    timing = {"batch_sizes": [1, 2, 12], "calls": 18, "warmup": 1}
    backends = {"a": Backend(lifted(3.0)), "b": Backend(lifted(0.0))}
    timed = finished(folder / "small", folder / "timed", backends, latency=timing)
    (table,) = leaderboard([timed, results["fair"]])
    rows = {row.system: row for row in table.rows}
    assert table.batch_size == 2
    assert all(rows[tag].p50_s is not None and rows[tag].p50_s > 0 for tag in ("a", "b"))
    assert {rows[tag].p50_s for tag in ("fair", "bm25")} == {None}
    assert rows["a"].dominated_by == ()
    assert rows["b"].dominated_by in {(), ("a",)}
    assert rows["fair"].dominated_by is None


def test_incomplete_results_are_ranked_on_request(folder: Path, results: dict[str, Path]) -> None:
    """Each mean with its own number of queries: a failed query is missing and not 0."""

    def answer(request: RerankRequest) -> Any:
        failed = request.query_id in {"q1", "q2"} and len(request.documents) > 1
        return CallError("reply", "no") if failed else lifted(3.0)(request)

    part = finished(folder / "small", folder / "part", {"part": Backend(answer)})
    with pytest.raises(IncompleteError):
        leaderboard([results["good"], part])
    rows = only(leaderboard([results["good"], part], allow_incomplete=True))
    assert (rows["part"].mean.n, rows["good"].mean.n) == (38, 40)
    assert rows["part"].mean.estimate == pytest.approx(mean_of(part, "part"))


def test_a_metric_that_one_folder_lacks_is_an_error(folder: Path, results: dict[str, Path]) -> None:
    """With that folder, and the metrics that it has."""
    other = finished(folder / "small", folder / "metric", {"x": Backend()}, metrics=["MRR@10"])
    message = said(lambda: leaderboard([results["good"], other]))
    assert f"{other} contains no values of 'nDCG@10'" in message
    assert "use one of: MRR@10" in message
    assert "contains no values of 'P@3'" in said(lambda: leaderboard([results["good"]], "P@3"))
