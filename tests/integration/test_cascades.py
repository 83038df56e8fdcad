"""Results with a cascade: a system like others, with composed latency, and without invented thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.api_runs import write_collection
from support.checked import Backend
from support.configs import config_of
from support.experiments import api, use_backends
from support.finished import DEPTH, lifted

from evalkit.errors import InputError
from evalkit.report.cascades import cascade_lines, cascade_tables
from evalkit.results.cascade_rows import find_cascade
from evalkit.results.folder import ResultFolder
from evalkit.summaries.cascade_costs import margins_at
from evalkit.workflows.probe import probe_reranker
from evalkit.workflows.report import rebuild
from evalkit.workflows.run import run
from evalkit.workflows.tune import calibrate_result, choose_thresholds, search_result, sweep_result

pytestmark = pytest.mark.usefixtures("blank_plots")
QUERIES = 40
MARGIN = 0.2
STAGES = [{"reranker": "small", "keep": 3}, {"reranker": "large"}]
RERANKERS: dict[str, Any] = {
    "small": api("small"),
    "large": api("large"),
    "both": {"backend": "cascade", "stages": STAGES},
    "adaptive": {"backend": "cascade", "stages": STAGES, "skip": {"margin": MARGIN}, "below": "dropped"},
}
LATENCY = {"batch_sizes": [3, DEPTH], "calls": 30, "warmup": 1}


def config(folder: Path, **more: Any) -> Any:
    """Return the configuration of the tests."""
    keys = {"retriever": {"depth": DEPTH}, "metrics": ["nDCG@10", "MRR@10"], "depths": [4, DEPTH]}
    return config_of(folder / "small", RERANKERS, **keys, **more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a collection of 40 queries."""
    made = tmp_path_factory.mktemp("cascades")
    write_collection(made / "small", QUERIES)
    return made


@pytest.fixture(scope="module")
def result(folder: Path, blank_plots: None) -> ResultFolder:  # noqa: ARG001 - for what it does
    """Return a result with two cascades of which the stages and the whole are timed."""
    with pytest.MonkeyPatch.context() as patch:
        use_backends(patch, small=Backend(lifted(0.3)), large=Backend(lifted(2.0)))
        return ResultFolder.open(run(config(folder, latency=LATENCY), folder / "out").path)


def test_a_cascade_is_a_system_of_every_document(result: ResultFolder) -> None:
    """Quality at both depths, comparisons and runs; dropped documents are in no run."""
    summary = result.read_summary()
    rows = {(row.reranker, row.depth) for row in summary.quality}
    assert {("both", 4), ("both", DEPTH), ("adaptive", 4), ("adaptive", DEPTH)} <= rows
    (compared,) = result.read_comparisons().datasets
    assert {"both", "adaptive"} <= {one.contender for one in compared.comparisons}
    lines = result.run_file(summary.datasets[0].name, "adaptive", DEPTH).read_bytes()
    assert lines
    assert len(result.read_scores_of(summary.datasets[0].name, "adaptive")["doc_id"]) == 2 * 3 * QUERIES


def test_a_second_stage_that_is_good_lifts_the_first(result: ResultFolder) -> None:
    """The cascade is better than its first stage and not better than its second on all candidates."""
    means = {
        row.reranker: row.mean.estimate or 0.0
        for row in result.read_summary().quality
        if (row.depth, row.metric) == (DEPTH, "nDCG@10")
    }
    assert means["small"] < means["both"] <= means["large"] == 1.0


def test_composed_and_timed_latency_are_both_there(result: ResultFolder) -> None:
    """With their own intervals; p95 takes more calls than there are, and stays unknown."""
    row = find_cascade(result.read_summary().cascades, result.read_summary().datasets[0].name, "both")
    assert row is not None
    assert row.p50_s is not None
    assert row.p50_s.timed is not None
    for found in (row.p50_s.composed, row.p50_s.timed):
        assert found.n == 30
        assert found.lower is not None
        assert found.upper is not None
        assert found.lower <= (found.estimate or 0.0) <= found.upper
    assert row.p95_s is not None
    assert row.p95_s.composed.estimate is None
    assert (row.usd_per_thousand_queries, row.latency_unknown, row.skipped) == (None, None, None)


def test_the_share_of_skipped_queries_is_that_of_the_margins(result: ResultFolder) -> None:
    """Against the stored scores of the first stage."""
    summary = result.read_summary()
    dataset = summary.datasets[0].name
    row = find_cascade(summary.cascades, dataset, "adaptive")
    margins = margins_at(result, dataset, "small", DEPTH)
    scores = result.read_scores_of(dataset, "small")
    for query, margin in margins.items():
        best = np.sort(scores["score"][scores["query_id"] == query])[::-1]
        assert margin == best[0] - best[1]
    assert row is not None
    assert row.skipped is not None
    assert row.skipped.n == len(margins) == QUERIES
    assert row.skipped.estimate == np.mean([margin >= MARGIN for margin in margins.values()])


def test_the_report_says_what_is_composed(result: ResultFolder) -> None:
    """A table with both figures, and sentences on skips."""
    summary = result.read_summary()
    (table,) = cascade_tables(summary)
    assert [row[1] for row in table.rows] == ["both", "adaptive"]
    assert {"p50 composed", "p50 timed", "skipped"} <= set(table.columns)
    text = "\n".join(cascade_lines(summary))
    assert "both: median latency composed of its stages" in text
    assert "adaptive: the later stages are skipped for" in text
    assert "Cascades: composed latency" in result.report_html_file.read_text(encoding="utf-8")


def test_a_rebuilt_result_is_the_same(result: ResultFolder) -> None:
    """From the raw files alone, without a call."""
    before = result.summary_file.read_bytes()
    rebuild(result)
    assert result.summary_file.read_bytes() == before


def test_ranks_are_no_scores(result: ResultFolder) -> None:
    """No threshold and no probability is tuned on them; the stages are tuned as ever."""
    for tune in (choose_thresholds, calibrate_result):
        with pytest.raises(InputError, match=r"both of .*: the scores of a cascade are ranks"):
            tune(result.path, "both")
        assert {one.reranker for one in tune(result.path)} == {"small", "large"}
    tuned = result.read_tuning()
    assert {one.reranker for one in (*tuned.threshold, *tuned.calibration)} == {"small", "large"}


def test_every_depth_of_a_cascade_is_its_own(result: ResultFolder) -> None:
    """It has no sweep over all depths, as no depth is the beginning of another."""
    with pytest.raises(InputError, match="a listwise reranker or a cascade"):
        sweep_result(result.path, "both")
    assert {one.reranker for one in sweep_result(result.path)} == {"small", "large"}


def test_a_search_has_fusions_of_stages_and_margins_of_cascades(result: ResultFolder) -> None:
    """Each reranker once; a cascade alone can be asked for."""
    found = {one.reranker: one for one in search_result(result.path)}
    assert list(found) == ["small", "large", "both", "adaptive"]
    assert found["large"].against_fusion is not None
    assert found["large"].against_fusion.difference.n == QUERIES / 2
    assert found["large"].margins is None
    assert found["adaptive"].rows == ()
    assert [row.margin for row in found["adaptive"].margins or () if row.configured] == [MARGIN]
    assert [one.reranker for one in search_result(result.path, "both")] == ["both"]


def test_a_batch_size_that_was_not_timed_leaves_the_latency_unknown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the size to add; nothing is interpolated."""
    use_backends(monkeypatch, small=Backend(), large=Backend())
    timed = {**LATENCY, "batch_sizes": [DEPTH]}
    made = ResultFolder.open(run(config(folder, latency=timed), folder / "untimed").path)
    row = (made.read_summary().cascades or ())[0]
    assert (row.p50_s, row.p95_s) == (None, None)
    assert row.latency_unknown == "large was not timed with 3 documents: add 3 to latency.batch_sizes"
    assert any("latency unknown: large was not timed" in line for line in cascade_lines(made.read_summary()))


def test_a_cascade_is_not_probed(folder: Path) -> None:
    """Its stages are."""
    with pytest.raises(InputError, match="'both' is a cascade of small, large and has no backend"):
        list(probe_reranker(config(folder), "both"))
