"""``comparisons.json`` from comparison sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support.systems import noisy_set, run_of, set_of

from evalkit.comparison import ComparisonSet, Plan, System
from evalkit.config.compare_settings import CompareSettings
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import MetricValues, Qrels, Query
from evalkit.results.comparison_document import Comparisons
from evalkit.results.json_shapes import from_plain, to_plain
from evalkit.results.recorded_config import RecordedConfig
from evalkit.summaries.comparisons import compare_sets, plan_of, sets_at_depth
from evalkit.summaries.quality_cells import QualityCell

PLAN = Plan("bm25", "nDCG@10", resamples=999, seed=1)
LIFTS = {"bm25": 0.5, "same": 0.5, "good": 3.0, "bad": -3.0}


@pytest.fixture(scope="module")
def compared() -> Comparisons:
    """Return the comparisons of three rerankers, one of them much better and one much worse."""
    return compare_sets([noisy_set(80, 12, LIFTS, seed=3, metrics=("nDCG@10", "RR"))], PLAN)


def test_every_contender_has_a_comparison_and_the_baseline_has_none(compared: Comparisons) -> None:
    """One comparison each, on the primary metric, with the expected verdict of an obvious case."""
    (entry,) = compared.datasets
    verdicts = {one.contender: one.verdict for one in entry.comparisons}
    assert verdicts == {"same": "not told apart", "good": "better", "bad": "worse"}
    assert {one.metric for one in entry.comparisons} == {"nDCG@10"}
    assert set(entry.tied_with) == set(LIFTS)
    assert entry.tied_with["bm25"] == ("same",)
    assert compared.pooled == ()


def test_other_metrics_are_exploratory(compared: Comparisons) -> None:
    """Every metric but the primary one, for every contender; p agrees with a paired t test on an obvious case."""
    (entry,) = compared.datasets
    assert [(row.contender, row.metric) for row in entry.exploratory] == [
        (tag, "RR") for tag in ("same", "good", "bad")
    ]
    systems = noisy_set(80, 12, LIFTS, seed=3, metrics=("nDCG@10", "RR")).systems
    for row in entry.exploratory:
        values = [systems[tag].values.of("RR") for tag in (row.contender, "bm25")]
        p = stats.ttest_rel(*values).pvalue
        assert row.p == pytest.approx(p, abs=0.03)
        assert row.difference == pytest.approx(values[0].mean() - values[1].mean())


def test_extreme_queries_are_the_largest_changes(compared: Comparisons) -> None:
    """The worst query of a contender is the minimum of its differences, the best one the maximum."""
    (entry,) = compared.datasets
    systems = noisy_set(80, 12, LIFTS, seed=3).systems
    for tag, extremes in entry.extremes.items():
        differences = systems[tag].values.of("nDCG@10") - systems["bm25"].values.of("nDCG@10")
        for rows, edge in ((extremes.worst, differences.min()), (extremes.best, differences.max())):
            changes = [row.contender - row.baseline for row in rows]
            assert changes[0] == pytest.approx(edge)
            assert np.abs(changes).tolist() == sorted(np.abs(changes), reverse=True)
            assert {row.text for row in rows} == {None}


def test_the_document_survives_json(compared: Comparisons) -> None:
    """Writing what was read gives the same values; only the level of intervals is not in the file."""
    plain = to_plain(compared)
    assert to_plain(from_plain(Comparisons, plain, Path("comparisons.json"), "")) == plain


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1, width=16), min_size=40, max_size=60), st.integers(0, 9))
def test_a_system_equals_itself(values: list[float], missing: int) -> None:
    """Identical values: every query is a tie. It is *identical* if no query failed: of failures nothing is known."""
    ids = tuple(f"q{i}" for i in range(len(values)))
    column = np.array(values)[:, None]
    qrels = Qrels({query_id: {"a": 1} for query_id in ids})
    run = run_of("r", {query_id: {"a": 1.0} for query_id in ids})
    systems = {
        "bm25": System("bm25", run, MetricValues("bm25", ("nDCG@10",), ids, column)),
        "r": System(
            "r", run, MetricValues("r", ("nDCG@10",), ids[missing:], column[missing:]), ids[:missing]
        ),
    }
    (entry,) = compare_sets([ComparisonSet("d", qrels, systems)], PLAN).datasets
    (one,) = entry.comparisons
    n = len(values) - missing
    assert (one.n, one.left_out, one.difference) == (n, missing, 0.0)
    assert (one.wins, one.ties, one.losses) == (0, n, 0)
    assert one.verdict == ("undecided: failed queries" if missing else "identical")
    assert entry.unscored == ({"r": missing} if missing else {})
    assert entry.depth is None


def test_a_contender_without_scores_has_no_evidence() -> None:
    """It keeps its row, with unknown figures; sensitivity, slices and extremes leave it out."""
    comparison_set = noisy_set(40, 5, {"bm25": 0.0, "r": 1.0})
    empty = evaluate(run_of("gone", {}), Qrels({}), parse_metrics(["nDCG@10"]))
    ids = tuple(comparison_set.qrels.grades)
    systems = {**comparison_set.systems, "gone": System("gone", run_of("gone", {}), empty, ids)}
    (entry,) = compare_sets([replace(comparison_set, systems=systems)], PLAN).datasets
    gone = next(one for one in entry.comparisons if one.contender == "gone")
    assert (gone.n, gone.difference, gone.p, gone.contender_mean) == (0, None, None, None)
    assert entry.unscored == {"gone": 40}
    assert set(entry.extremes) == {"r"}
    assert {row.contender for row in entry.sensitivity} == {"r"}
    assert {row.contender for row in entry.slices} <= {"r"}


def test_slices_partition_the_queries() -> None:
    """The mean difference is that of the slices weighted by n, for every property of the queries."""
    ids = [f"q{i}" for i in range(60)]
    queries = {q: Query(q, "a b" if i % 3 else "a b c d", {"kind": "xy"[i % 2]}) for i, q in enumerate(ids)}
    comparison_set = replace(noisy_set(60, 8, {"bm25": 0.0, "r": 1.5}), queries=queries)
    (entry,) = compare_sets([comparison_set], PLAN).datasets
    groups: dict[str, list[Any]] = {}
    for row in entry.slices:
        groups.setdefault(row.by, []).append(row)
    assert {"kind", "words in the query"} <= set(groups)
    for rows in groups.values():
        sizes = [row.difference.n for row in rows]
        assert sum(sizes) == 60
        mean = np.average([row.difference.estimate for row in rows], weights=sizes)
        assert mean == pytest.approx(entry.comparisons[0].difference)
        for row in rows:
            change = (row.contender_mean.mean or 0) - (row.baseline_mean.mean or 0)
            assert change == pytest.approx(row.difference.estimate)
    assert {one.text for one in entry.extremes["r"].best} <= {"a b", "a b c d"}


def test_two_datasets_are_pooled_with_equal_weight() -> None:
    """The pooled difference is the plain mean of the datasets' differences, whatever their sizes."""
    sets = [
        replace(noisy_set(n, 8, {"bm25": 0.0, "r": lift}, seed=n), dataset=f"d{n}")
        for n, lift in ((40, 2.0), (90, 0.0))
    ]
    compared = compare_sets(sets, PLAN)
    assert [entry.dataset for entry in compared.datasets] == ["d40", "d90"]
    (pooled,) = compared.pooled
    differences = [entry.comparisons[0].difference or 0.0 for entry in compared.datasets]
    assert pooled.difference == pytest.approx(np.mean(differences))


def test_unjudged_documents_and_ties_are_measured() -> None:
    """The judged share counts the first ranks; without ties both bounds of the difference are the difference."""
    grades = {f"q{i}": {"a": 1, "b": 0} for i in range(40)}
    first = run_of("bm25", {q: {"b": 2.0, "a": 1.0} for q in grades})
    other = run_of("r", {q: {"a": 3.0, "x": 2.0} for q in grades})
    (entry,) = compare_sets([set_of(grades, first, other)], PLAN).datasets
    (row,) = entry.sensitivity
    # Each list has two of the ten documents up to the cutoff: only the documents in the list count.
    assert (row.cutoff, row.judged_baseline, row.judged_contender) == (10, 1.0, 0.5)
    assert (row.unjudged_baseline_only, row.unjudged_contender_only, row.unjudged_both) == (0, 40, 0)
    assert row.tied_low == pytest.approx(entry.comparisons[0].difference)
    assert row.tied_high == pytest.approx(entry.comparisons[0].difference)


@pytest.mark.parametrize(
    ("settings_", "baseline", "primary"),
    [
        (CompareSettings(), "bm25", "RR"),
        (CompareSettings(baseline="r", primary="P@5"), "r", "P@5"),
        (CompareSettings(confidence=0.9, margin=0.02, correction="maxT", resamples=2000), "bm25", "RR"),
    ],
)
def test_the_plan_is_that_of_the_configuration(
    settings_: CompareSettings, baseline: str, primary: str
) -> None:
    """Defaults are the first stage and the first metric; everything else is copied."""
    plan = plan_of(RecordedConfig("x", 7, ("RR", "P@5"), (10,), settings_, {}), "bm25")
    assert (plan.baseline, plan.primary, plan.seed) == (baseline, primary, 7)
    for name in ("confidence", "margin", "correction", "resamples"):
        assert getattr(plan, name) == getattr(settings_, name)


def test_cells_of_other_depths_are_left_out() -> None:
    """A comparison set has the systems at one depth; a dataset without queries file has no texts."""
    qrels = {name: Qrels({"q": {"a": 1}}) for name in ("d1", "d2")}
    cells = []
    for dataset, judged in qrels.items():
        for tag in ("bm25", "r"):
            for depth in (1, 2):
                run = run_of(tag, {"q": {"a": 2.0, "b": 1.0}}).cut(depth)
                values = evaluate(run, judged, parse_metrics(["RR"]))
                cells.append(QualityCell(dataset, tag, depth, run, values, ("x",) if tag == "r" else ()))
    queries = {"d1": {"q": Query("q", "text", {})}}
    config = RecordedConfig("x", 1, ("RR",), (1,), CompareSettings(), {})
    one, two = sets_at_depth(cells, "bm25", qrels, queries, config, {})
    assert (one.dataset, two.dataset, one.depth) == ("d1", "d2", 1)
    assert (set(one.queries), set(two.queries)) == ({"q"}, set())
    for comparison_set in (one, two):
        assert list(comparison_set.systems) == ["bm25", "r"]
        assert comparison_set.first_stage is comparison_set.systems["bm25"].run
        assert comparison_set.systems["r"].run.docs("q") == ("a",)
        assert comparison_set.systems["r"].unscored == ("x",)


def test_a_run_is_a_system_without_a_depth_whose_unjudged_documents_count() -> None:
    """It is compared at every depth; where its first documents are not judged, nothing is claimed of it."""
    grades = {f"q{n:02}": {"r": 1, "n": 0, "x": 0} for n in range(40)}
    docs = {"bm25": ["r", "n", "x"], "es": ["y", "z", "r"]}
    cells = []
    for tag, depth in (("bm25", 2), ("bm25", 3), ("es", None)):
        run = run_of(tag, {q: {doc: -place for place, doc in enumerate(docs[tag])} for q in grades})
        values = evaluate(run, Qrels(grades), parse_metrics(["nDCG@10"]))
        cells.append(QualityCell("d", tag, depth, run, values, ()))
    for depth in (2, 3):
        config = RecordedConfig("x", 1, ("nDCG@10",), (depth,), CompareSettings(), {})
        (one,) = sets_at_depth(cells, "bm25", {"d": Qrels(grades)}, {}, config, {})
        assert one.own_candidates == ("es",)
        (entry,) = compare_sets([one], PLAN).datasets
        assert (entry.runs, entry.depth_of("es"), entry.depth_of("bm25")) == (("es",), None, depth)
        (row,) = entry.comparisons
        assert (row.contender, row.verdict) == ("es", "undecided: unjudged documents")
        (found,) = entry.sensitivity
        assert (found.judged_baseline, found.judged_contender) == (1.0, pytest.approx(1 / 3))
        assert {doc.doc_id for doc in entry.to_judge} == {"y", "z"}
