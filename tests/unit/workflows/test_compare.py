"""Comparisons within a folder, of two folders, and of TREC runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.api_runs import write_collection
from support.checked import Backend
from support.finished import edit_json, finished, lifted
from support.messages import said

from evalkit.errors import CallError, IncompleteError, InputError, UnknownNameError
from evalkit.workflows.compare import compare, compare_results, compare_runs

pytestmark = pytest.mark.usefixtures("blank_plots")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a collection of 40 queries."""
    made = tmp_path_factory.mktemp("compare")
    write_collection(made / "small", 40)
    return made


@pytest.fixture(scope="module")
def result(folder: Path, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a result of a good and a fair reranker."""
    return finished(
        folder / "small", folder / "one", {"good": Backend(lifted(2.0)), "fair": Backend(lifted(0.3))}
    )


@pytest.fixture(scope="module")
def later(folder: Path, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a result of another version of the good reranker."""
    return finished(folder / "small", folder / "two", {"good": Backend(lifted(0.6))})


def means(result: Path, metric: str = "nDCG@10") -> dict[str, float]:
    """Return the mean of each system over the values that the folder holds."""
    values = pd.read_parquet(result / "values.parquet")
    chosen = values[values["metric"] == metric]
    return {str(tag): float(mean) for tag, mean in chosen.groupby("reranker")["value"].mean().items()}


def test_contenders_are_compared_with_the_first_stage(result: Path) -> None:
    """Unless another baseline is named; differences are those of the means that the folder holds."""
    expected = means(result)
    for changes, baseline in (({}, "bm25"), ({"baseline": "good"}, "good")):
        (document,) = compare_results([result], **changes)
        (entry,) = document.datasets
        found = {one.contender: one.difference for one in entry.comparisons}
        assert set(found) == {"bm25", "good", "fair"} - {baseline}
        for tag, difference in found.items():
            assert difference == pytest.approx(expected[tag] - expected[baseline])
        assert document.pooled == ()


def test_a_change_of_the_plan_is_part_of_the_document(result: Path) -> None:
    """The primary metric, the confidence and the margin; all else is as configured."""
    (plain,) = compare_results([result])
    (changed,) = compare_results([result], primary="MRR@10", margin=0.25, confidence=0.8)
    assert (changed.plan.primary, changed.plan.margin, changed.plan.confidence) == ("MRR@10", 0.25, 0.8)
    assert (changed.plan.baseline, changed.plan.seed) == (plain.plan.baseline, plain.plan.seed)
    (exact,) = compare_results([result], confidence=0.8)
    for wide, narrow in zip(plain.datasets[0].comparisons, exact.datasets[0].comparisons, strict=True):
        assert wide.lower is not None
        assert narrow.lower is not None
        assert wide.lower < narrow.lower < (narrow.difference or 0)


def test_the_json_of_a_comparison_is_that_of_the_report(result: Path) -> None:
    """`compare` returns what ``comparisons.json`` holds, apart from the schema's version."""
    (document,) = compare(result)
    assert orjson.loads(orjson.dumps(document)) == orjson.loads((result / "comparisons.json").read_bytes())


@pytest.mark.parametrize("count", [0, 3])
def test_one_or_two_folders_are_compared(result: Path, count: int) -> None:
    """Any other number is an error that names the command for many."""
    with pytest.raises(InputError, match=f"{count} result folders") as raised:
        compare_results([result] * count)
    assert "evalkit leaderboard" in (raised.value.hint or "")


def test_wrong_names_are_reported(result: Path) -> None:
    """A baseline that is no system, and a metric that was not computed, with those that were."""
    with pytest.raises(UnknownNameError, match="unknown system 'goood'"):
        compare_results([result], baseline="goood")
    with pytest.raises(InputError, match="contains no values of 'P@3'") as raised:
        compare_results([result], primary="P@3")
    assert (raised.value.hint or "").startswith("use one of: nDCG@10, MRR@10;")


def test_options_of_two_folders_are_refused_for_one_and_the_reverse(result: Path, later: Path) -> None:
    """Thresholds are carried between versions; a baseline is the first of two folders."""
    assert "--threshold requires two result folders" in said(
        lambda: compare_results([result], thresholds=[0.5])
    )
    assert "with two folders, the first one is the baseline" in said(
        lambda: compare_results([result, later], baseline="good")
    )


def test_a_result_does_not_differ_from_itself(result: Path) -> None:
    """One document for each reranker that both have: no query wins or loses, and no score moved."""
    documents: list[Any] = compare_results([result, result])
    assert [one.reranker.before for one in documents] == ["good", "fair"]
    for one in documents:
        (row,) = one.datasets[0].comparisons
        assert (row.difference, row.wins, row.losses, row.ties) == (0, 0, 0, 40)
        drift = one.transfer[0].drift
        assert (drift.pairs, drift.distance, drift.before) == (240, 0, drift.after)


def test_the_first_of_two_folders_is_the_baseline(result: Path, later: Path) -> None:
    """Swapped, the difference changes its sign; only the reranker that both have is compared."""
    (forth,) = compare_results([result, later])
    (back,) = compare_results([later, result])
    (one,), (other,) = forth.datasets[0].comparisons, back.datasets[0].comparisons
    assert one.difference is not None
    assert other.difference is not None
    assert one.difference == pytest.approx(means(later)["good"] - means(result)["good"])
    assert one.difference == pytest.approx(-other.difference)
    assert (one.wins, one.losses) == (other.losses, other.wins)


def test_two_versions_are_compared_on_the_metrics_that_both_have(folder: Path) -> None:
    """Whatever their spelling; the primary metric must be one of them."""
    versions = [
        finished(folder / "small", folder / f"metrics{n}", {"good": Backend(lifted(0.5))}, metrics=metrics)
        for n, metrics in enumerate((["nDCG@10", "RR@10", "P@5"], ["nDCG@10", "MRR@10"]))
    ]
    (document,) = compare_results(versions)
    assert [row.metric for row in document.datasets[0].exploratory] == ["RR@10"]
    assert "contains no values of 'P@5'" in said(lambda: compare_results(versions, primary="P@5"))


def test_two_rerankers_that_are_alone_are_matched(folder: Path, result: Path, later: Path) -> None:
    """Whatever their tags; where there are several, a tag must be in both."""
    renamed = finished(folder / "small", folder / "three", {"new": Backend(lifted(0.6))})
    (document,) = compare_results([later, renamed])
    (row,) = document.datasets[0].comparisons  # the same scores under another tag
    assert (row.difference, row.ties) == (0, 40)
    assert "no reranker is in both folders" in said(lambda: compare_results([result, renamed]))


def test_thresholds_are_carried_to_the_later_version(result: Path, later: Path) -> None:
    """Those that are given, in their order; the usual three where none is."""
    documents: list[Any] = compare_results([result, later], thresholds=[1.5, 0.25])
    assert [one.before for one in documents[0].transfer[0].thresholds] == [1.5, 0.25]
    documents = compare_results([result, later])
    assert len(documents[0].transfer[0].thresholds) == 3


def test_scores_of_both_versions_are_drawn_on_request(result: Path, later: Path, tmp_path: Path) -> None:
    """One plot for each reranker and dataset; nothing without a folder for it."""
    compare_results([result, later], plots=tmp_path / "plots")
    assert {file.suffix for file in (tmp_path / "plots").iterdir()} >= {".png", ".svg"}
    assert len({file.stem for file in (tmp_path / "plots").iterdir()}) == 1


@pytest.mark.parametrize("which", [0, 1])
def test_a_result_with_failed_queries_is_compared_on_request(
    result: Path, folder: Path, tmp_path: Path, which: int
) -> None:
    """On the queries that both sides have; how many are left out is in the document."""

    def failing(request: Any) -> Any:
        return (
            CallError("reply", "no")
            if request.query_id in {"q3", "q7"} and len(request.documents) > 1
            else lifted(2.0)(request)
        )

    part = finished(folder / "small", tmp_path / "part", {"good": Backend(failing)})
    pair = [part, result] if which == 0 else [result, part]
    with pytest.raises(IncompleteError, match="some queries have no scores"):
        compare_results(pair)
    (document,) = compare_results(pair, allow_incomplete=True)
    (row,) = document.datasets[0].comparisons
    assert (row.n, row.left_out) == (38, 2)
    assert sum(document.datasets[0].unscored.values()) == 2


CHANGES = {
    "other judgments": ("qrels", "the judgments of 1 queries differ"),
    "another depth": ("depth", "depth 6 and depth 4"),
    "another dataset": ("dataset", "does not contain dataset 'small'"),
}


@pytest.mark.parametrize("how", CHANGES)
def test_other_data_is_not_compared(result: Path, folder: Path, tmp_path: Path, how: str) -> None:
    """The message says what differs: judgments, depth, or the dataset itself."""
    what, message = CHANGES[how]
    small = shutil.copytree(folder / "small", tmp_path / ("other" if what == "dataset" else "small"))
    if what == "qrels":
        file = small / "qrels" / "test.tsv"
        file.write_text(
            file.read_text(encoding="utf-8").replace("q5\td5.5\t1", "q5\td5.5\t2"), encoding="utf-8"
        )
    depth = {"depths": [4]} if what == "depth" else {}
    other = finished(small, tmp_path / "results", {"good": Backend(lifted(2.0))}, **depth)
    assert message in said(lambda: compare_results([result, other]))


def test_what_holds_no_ranking_is_not_compared(folder: Path, tmp_path: Path) -> None:
    """A folder of a bench, an empty folder, and a folder whose manifest is damaged."""
    bench = finished(
        folder / "small",
        tmp_path,
        {"good": Backend()},
        quality=False,
        latency={"batch_sizes": [1], "calls": 2},
    )
    assert "contains only latencies" in said(lambda: compare_results([bench]))
    (tmp_path / "empty").mkdir()
    assert "is not a result folder" in said(lambda: compare_results([tmp_path / "empty"]))
    edit_json(bench / "manifest.json", lambda data: data.pop("machine"))
    assert "is damaged" in said(lambda: compare_results([bench]))


def write_run(file: Path, tag: str, first: str) -> Path:
    """Write a run in which one of two documents is the first for each of 40 queries."""
    second = "b" if first == "a" else "a"
    rows = [
        f"q{n} Q0 {doc} {rank} {-rank} {tag}" for n in range(40) for rank, doc in ((1, first), (2, second))
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def qrels(tmp_path: Path) -> Path:
    """Return judgments: document a is relevant to every query."""
    file = tmp_path / "dl.qrels.txt"
    file.write_text("".join(f"q{n} 0 a 1\n" for n in range(40)), encoding="utf-8")
    return file


def test_the_first_of_several_runs_is_the_baseline(qrels: Path, tmp_path: Path) -> None:
    """Unless another is named; the dataset is named after the judgments, and no depth is known."""
    runs = [write_run(tmp_path / f"{tag}.trec", tag, first) for tag, first in (("good", "a"), ("poor", "b"))]
    (document,) = compare_runs(qrels, runs, ["MRR@10"])
    (entry,) = document.datasets
    (row,) = entry.comparisons
    assert (entry.dataset, entry.depth) == ("dl", None)
    assert (row.baseline, row.contender, row.difference) == ("good", "poor", -0.5)
    (document,) = compare_runs(qrels, runs, ["MRR@10"], baseline="poor")
    assert document.datasets[0].comparisons[0].difference == 0.5
    with pytest.raises(UnknownNameError, match="unknown system 'pour'"):
        compare_runs(qrels, runs, baseline="pour")


def test_runs_with_one_tag_are_named_by_their_files(qrels: Path, tmp_path: Path) -> None:
    """So that both are in the comparison."""
    runs = [write_run(tmp_path / f"{name}.trec", "same", name) for name in ("a", "b")]
    (document,) = compare_runs(qrels, runs)
    (row,) = document.datasets[0].comparisons
    assert (row.baseline, row.contender) == ("a.trec", "b.trec")


def write_runs_of_one_tag(folder: Path) -> list[Path]:
    """Write two different runs of one tag and one name in two folders, and a third run."""
    files = [folder / "a" / "run.txt", folder / "b" / "run.txt", folder / "c.txt"]
    for file, tag, first in zip(files, ("Anserini", "Anserini", "other"), "aba", strict=True):
        file.parent.mkdir(exist_ok=True)
        write_run(file, tag, first)
    return files


def test_runs_of_one_tag_and_one_file_name_are_two_systems(qrels: Path, tmp_path: Path) -> None:
    """They are named by their folders, and the first one stays the baseline."""
    files = write_runs_of_one_tag(tmp_path)
    (document,) = compare_runs(qrels, files, ["MRR@10"])
    rows = {row.contender: row.difference for row in document.datasets[0].comparisons}
    assert (document.plan.baseline, rows) == ("a/run.txt", {"b/run.txt": -0.5, "other": 0.0})


@pytest.mark.parametrize("named", ["b/run.txt", "path"])
def test_a_baseline_is_named_as_in_the_table_or_by_its_path(qrels: Path, tmp_path: Path, named: str) -> None:
    """The shared tag names no system: the hint lists those that there are."""
    files = write_runs_of_one_tag(tmp_path)
    (document,) = compare_runs(qrels, files, ["MRR@10"], baseline=str(files[1]) if named == "path" else named)
    assert document.plan.baseline == "b/run.txt"
    with pytest.raises(UnknownNameError, match="unknown system 'Anserini'") as caught:
        compare_runs(qrels, files, ["MRR@10"], baseline="Anserini")
    assert "a/run.txt, b/run.txt, other" in (caught.value.hint or "")


def test_a_file_given_twice_is_refused(qrels: Path, tmp_path: Path) -> None:
    """It is one system, so there is nothing to compare."""
    run = write_run(tmp_path / "a.trec", "a", "a")
    assert "is given twice" in said(lambda: compare_runs(qrels, [run, run]))


def test_metrics_that_are_spelt_twice_are_one(qrels: Path, tmp_path: Path) -> None:
    """The primary metric is not explored again under another name."""
    runs = [write_run(tmp_path / f"{tag}.trec", tag, first) for tag, first in (("x", "a"), ("y", "b"))]
    (document,) = compare_runs(qrels, runs, ["RR@10", "MRR@10", "nDCG@10"])
    assert [row.metric for row in document.datasets[0].exploratory] == ["nDCG@10"]


def test_queries_that_a_file_lacks_are_counted_for_each_system(qrels: Path, tmp_path: Path) -> None:
    """With the queries that are not judged, and those without a relevant document; unless it is stated, no verdict."""
    with qrels.open("a", encoding="utf-8") as file:
        file.write("q98 0 a 0\n")
    whole, cut = (write_run(tmp_path / f"{tag}.trec", tag, "a") for tag in ("whole", "cut"))
    rows = cut.read_text(encoding="utf-8").splitlines()
    cut.write_text("\n".join([*rows[:24], "q99 Q0 a 1 1 cut"]) + "\n", encoding="utf-8")
    (document,) = compare_runs(qrels, [whole, cut])
    (entry,) = document.datasets
    row = entry.coverage["cut"]
    assert (
        row.averaged_queries,
        row.missing_queries,
        row.unjudged_queries,
        row.queries_without_relevant,
    ) == (40, 28, 1, 1)
    assert entry.coverage["whole"].missing_queries == 0
    assert [one.verdict for one in entry.comparisons] == ["undecided: missing queries"]
    (stated,) = compare_runs(qrels, [whole, cut], missing_as_zero=True)
    assert stated.datasets[0].comparisons[0].verdict == "worse"
    assert stated.datasets[0].coverage["cut"].missing_as_zero


def test_runs_that_cannot_be_compared_are_reported(qrels: Path, tmp_path: Path) -> None:
    """A single one, judgments without a relevant document, and a run of other queries."""
    run = write_run(tmp_path / "a.trec", "a", "a")
    assert "only one run was given" in said(lambda: compare_runs(qrels, [run]))
    stranger = tmp_path / "stranger.trec"
    stranger.write_text("x1 Q0 a 1 1 stranger\n", encoding="utf-8")
    assert "contains none of the judged queries" in said(lambda: compare_runs(qrels, [run, stranger]))
    qrels.write_text("q1 0 a 0\n", encoding="utf-8")
    assert "contains no query with a relevant document" in said(lambda: compare_runs(qrels, [run, run]))
