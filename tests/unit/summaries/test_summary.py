"""``summary.json`` from cells, ceilings and calls."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from support.call_tables import call, calls_table
from support.documents import timed
from support.result_folders import dataset_facts, manifest_of
from support.systems import Scores, run_of

from evalkit.backend_checks import PrecisionCheck
from evalkit.config.compare_settings import CompareSettings
from evalkit.metrics import evaluate, parse_metrics
from evalkit.query_clusters import QueryClusters
from evalkit.records import MetricValues, Qrels, Run
from evalkit.results.recorded_config import RecordedConfig
from evalkit.results.summary_document import Summary
from evalkit.summaries.quality_cells import CandidateCeiling, QualityCell
from evalkit.summaries.summary import precision_cost, summarise

CONFIG = RecordedConfig("test", 1, ("nDCG@10", "RR"), (3,), CompareSettings(), {})
MANIFEST = manifest_of(["d"], ["r"])
ABOVE_ONE = st.floats(2, 3, width=32)
"""Values that no bounded interval applies to."""
INDEPENDENT = {"d": QueryClusters()}


def cell(
    tag: str,
    values: Mapping[str, Sequence[float]],
    *,
    not_scored: tuple[str, ...] = (),
    depth: int | None = 3,
    dataset: str = "d",
    run: Run | None = None,
) -> QualityCell:
    """Return a cell with the values of two metrics per query."""
    rows = np.array(list(values.values()), dtype=np.float64).reshape(len(values), 2)
    found = MetricValues(tag, CONFIG.metrics, tuple(values), rows)
    return QualityCell(dataset, tag, depth, run or run_of(tag, {}), found, not_scored)


def summary_of(*cells: QualityCell, ceilings: Sequence[CandidateCeiling] = (), **changes: Any) -> Summary:
    """Return the summary of some cells, without calls."""
    clusters = {name: QueryClusters() for name in ("d", "d1", "d2")}
    return summarise(replace(MANIFEST, **changes), CONFIG, cells, ceilings, calls_table(), (), clusters)


@given(st.lists(st.tuples(ABOVE_ONE, ABOVE_ONE, ABOVE_ONE, ABOVE_ONE), min_size=2, max_size=40))
def test_means_have_students_interval_and_differences_are_paired(values: list[tuple[float, ...]]) -> None:
    """Mean and difference agree with scipy's t tests over the same queries."""
    names = [f"q{i}" for i in range(len(values))]
    first = cell("bm25", {name: row[:2] for name, row in zip(names, values, strict=True)})
    # The reranker has the queries in another order: pairs are matched by id.
    other = cell("r", {name: row[2:] for name, row in zip(names[::-1], values[::-1], strict=True)})
    rows = {(row.reranker, row.metric): row for row in summary_of(first, other).quality}
    columns = np.array(values)
    for place, metric in enumerate(CONFIG.metrics):
        baseline, reranked = columns[:, place], columns[:, 2 + place]
        mean, change = rows["r", metric].mean, rows["r", metric].difference
        assert change is not None
        for found, sample in ((mean, reranked), (change, reranked - baseline)):
            assert found.estimate == pytest.approx(sample.mean(), abs=1e-12)
            error = stats.sem(sample)
            low, high = (
                stats.t.interval(0.95, len(sample) - 1, sample.mean(), error)
                if error > 0
                else (sample.mean(),) * 2
            )
            assert (found.lower, found.upper) == pytest.approx((low, high), abs=1e-9)
            assert found.n == len(values)
        assert rows["bm25", metric].difference is None


def test_a_failed_query_is_in_no_mean_and_in_no_difference() -> None:
    """The difference is over the queries of the reranker; the first stage keeps its own n."""
    first = cell("bm25", {"a": (0.0, 0.0), "b": (1.0, 1.0), "c": (0.5, 0.5)})
    other = cell("r", {"a": (1.0, 1.0), "c": (1.0, 1.0)}, not_scored=("b",))
    found = summary_of(first, other)
    row = next(one for one in found.quality if (one.reranker, one.metric) == ("r", "RR"))
    assert row.difference is not None
    assert (row.mean.n, row.difference.n, row.not_scored) == (2, 2, 1)
    assert row.difference.estimate == pytest.approx((1.0 + 0.5) / 2)
    assert found.datasets[0].queries_not_scored == {"r": 1}
    assert next(one.mean.n for one in found.quality if one.reranker == "bm25") == 3


def test_without_queries_means_are_unknown() -> None:
    """No answerable query: no mean and no difference, and neither is 0."""
    found = summary_of(cell("bm25", {}), cell("r", {}))
    for row in found.quality:
        assert (row.mean.estimate, row.mean.lower, row.mean.n) == (None, None, 0)
        assert row.tied_queries_at_10 is None
    assert found.quality[-1].difference is not None
    assert found.quality[-1].difference.estimate is None


def test_each_depth_and_dataset_is_compared_with_its_own_first_stage() -> None:
    """The first stage at depth 2 of d1 is the reference of neither depth 3 nor of d2."""
    means = {("d1", 2): 0.1, ("d1", 3): 0.2, ("d2", 2): 0.4, ("d2", 3): 0.8}
    cells = []
    for (dataset, depth), mean in means.items():
        for tag, gain in (("bm25", 0.0), ("r", mean)):
            cells.append(cell(tag, {"q": (mean + gain, 0.0)}, depth=depth, dataset=dataset))
    found = summary_of(*cells, datasets=(dataset_facts("d1"), dataset_facts("d2")))
    differences = {
        (row.dataset, row.depth): row.difference.estimate
        for row in found.quality
        if row.difference and row.metric == "nDCG@10"
    }
    assert differences == pytest.approx(means)


@pytest.mark.parametrize(
    ("scores", "share"),
    [
        ([3.0, 2.0, 1.0], 0.0),
        ([3.0, 2.0, 2.0], 0.5),
        (
            [*np.arange(20.0, 10.0, -1.0), 10.0, 10.0],
            0.0,
        ),  # ranks 11 and 12 are tied: outside of the first ten
        (
            [*np.arange(20.0, 11.0, -1.0), 11.0, 11.0],
            0.5,
        ),  # ranks 10 and 11 are tied: either may be in the ten
    ],
)
def test_a_tie_counts_if_it_can_change_the_first_ten(scores: list[float], share: float) -> None:
    """The share is over the scored queries; a second query without ties halves it."""
    lists: Scores = {"q1": {f"d{i}": s for i, s in enumerate(scores)}, "q2": {"a": 2.0, "b": 1.0}}
    one = cell("bm25", {"q1": (1.0, 1.0), "q2": (1.0, 1.0)}, run=run_of("bm25", lists))
    assert {row.tied_queries_at_10 for row in summary_of(one).quality} == {share}


def test_ceilings_are_means_over_queries() -> None:
    """Recall has an interval, the values of the best order a mean for every metric."""
    qrels = Qrels({"q1": {"a": 1, "z": 1}, "q2": {"b": 1}})
    run = run_of("best", {"q1": {"a": 1.0}, "q2": {"c": 2.0, "b": 1.0}})
    ceiling = CandidateCeiling(
        "d", 3, np.array([0.5, 1.0]), evaluate(run, qrels, parse_metrics(["RR", "P@1"]))
    )
    (row,) = summary_of(cell("bm25", {}), ceilings=[ceiling]).ceilings
    assert (row.recall.estimate, row.recall.n) == (0.75, 2)
    assert row.best_order == {"RR": 0.75, "P@1": 0.5}


def test_facts_of_the_result_are_copied() -> None:
    """Name, status and first stage are those of the manifest; latency rows are kept in their order."""
    facts = dataset_facts("d", empty_queries=("x", "y"), counts={"documents": 7})
    manifest = replace(MANIFEST, status="incomplete", datasets=(facts,))
    latency = (timed("r", 20, 0.1), timed("r", 10, 0.1))
    found = summarise(manifest, CONFIG, [cell("bm25", {})], [], calls_table(call()), latency, INDEPENDENT)
    assert (found.name, found.status, found.first_stage) == ("test", "incomplete", "bm25")
    assert (found.primary_metric, found.latency) == ("nDCG@10", latency)
    assert (found.datasets[0].empty_queries, found.datasets[0].counts) == (2, {"documents": 7})
    assert [row.calls for row in found.calls] == [1]


def test_a_result_with_timed_calls_only_has_no_quality() -> None:
    """Without cells the summary has datasets and calls, and empty lists for the rest."""
    found = summarise(MANIFEST, CONFIG, [], [], calls_table(call(**{"pass": "latency"})), (), INDEPENDENT)
    assert (found.quality, found.ceilings, found.precision, found.costs) == ((), (), (), ())
    assert [one.name for one in found.datasets] == ["d"]


@given(st.lists(st.tuples(ABOVE_ONE, ABOVE_ONE), min_size=1, max_size=20))
def test_the_effect_of_a_precision_is_the_reduced_minus_the_full_mean(
    pairs: list[tuple[float, float]],
) -> None:
    """A negative difference is a loss; the difference equals that of the two means."""
    full, reduced = zip(*pairs, strict=True)
    check = PrecisionCheck("r", "d", "int8", "RR", (), (None,) * len(pairs), full, reduced, 0.5)
    row = precision_cost(check)
    assert row.in_fp32.estimate == pytest.approx(math.fsum(full) / len(full), abs=1e-12)
    assert row.difference.estimate == pytest.approx(np.mean(reduced) - np.mean(full), abs=1e-12)
    assert (row.correlation.estimate, row.correlation.n, row.largest) == (None, 0, 0.5)


def test_correlations_without_value_are_left_out() -> None:
    """A list of equal scores has no tau: the mean is over the other queries."""
    check = PrecisionCheck("r", "d", "int8", "RR", correlations=(1.0, None, 0.5), full=(1.0,), reduced=(1.0,))
    assert (precision_cost(check).correlation.estimate, precision_cost(check).correlation.n) == (0.75, 2)


def test_a_run_differs_from_the_first_stage_at_its_deepest() -> None:
    """It has no depth of its own, and its row says so."""
    first = [cell("bm25", {"q1": (0.1, 0.1), "q2": (0.1, 0.1)}, depth=depth) for depth in (1, 2)]
    deepest = cell("bm25", {"q1": (0.2, 0.2), "q2": (0.4, 0.4)})
    found = summary_of(*first, deepest, cell("es", {"q1": (0.5, 0.5), "q2": (0.5, 0.5)}, depth=None))
    row = found.quality[-2]
    assert (row.reranker, row.depth, row.mean.estimate) == ("es", None, 0.5)
    assert row.difference is not None
    assert row.difference.estimate == pytest.approx(0.2)
