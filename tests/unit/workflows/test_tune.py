"""Depths, thresholds, probabilities and searches of a finished result."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from support.api_runs import write_collection
from support.checked import Backend
from support.finished import DEPTH, edit_json, finished, lifted, relevant
from support.messages import said

from evalkit.errors import IncompleteError, InputError, UnknownNameError
from evalkit.results.folder import ResultFolder
from evalkit.results.json_shapes import to_plain
from evalkit.results.production_document import read_production
from evalkit.results.search_document import SearchResult
from evalkit.results.tuning_document import TunedDepth
from evalkit.summaries.depth_sweep import DepthQuestion
from evalkit.summaries.threshold_curves import Goal
from evalkit.tuning import Limits
from evalkit.workflows.tune import (
    calibrate_result,
    choose_thresholds,
    search_result,
    sweep_result,
    tune_all,
    tune_calibration,
    tune_depth,
    tune_threshold,
)

pytestmark = pytest.mark.usefixtures("blank_plots")
QUERIES = 40
ALL: list[Callable[..., Any]] = [sweep_result, choose_thresholds, calibrate_result, search_result]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a collection of 40 queries."""
    made = tmp_path_factory.mktemp("tune")
    write_collection(made / "small", QUERIES)
    return made


@pytest.fixture(scope="module")
def result(folder: Path, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a result of two pointwise rerankers and a listwise one."""
    backends = {
        "good": Backend(lifted(2.0)),
        "fair": Backend(lifted(0.3)),
        "whole": Backend(lifted(0.5), pointwise=False),
    }
    return finished(folder / "small", folder / "one", backends)


@pytest.fixture(scope="module")
def listwise(folder: Path, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a result of a listwise reranker alone."""
    return finished(folder / "small", folder / "listwise", {"whole": Backend(lifted(0.5), pointwise=False)})


def mean_of(result: Path, tag: str, metric: str = "nDCG@10") -> float:
    """Return a mean over the values that the folder holds."""
    values = pd.read_parquet(result / "values.parquet")
    return float(values[(values["reranker"] == tag) & (values["metric"] == metric)]["value"].mean())


def relevant_ranks(result: Path) -> list[int]:
    """Return the rank in the first stage of each query's relevant document, from the stored scores."""
    scores = ResultFolder(result).read_scores()
    first = scores[scores["reranker"] == "bm25"]
    columns = zip(first["query_id"], first["doc_id"], first["retriever_rank"], strict=True)
    return [int(rank) for query, doc, rank in columns if doc == relevant(query)]


@pytest.mark.parametrize("metric", ["nDCG@10", "MRR@10"])
def test_a_sweep_ends_at_the_result_and_starts_at_the_first_stage(result: Path, metric: str) -> None:
    """One row for each depth: the deepest is the reranker's own mean, and one candidate cannot be reordered."""
    for found in sweep_result(result, question=DepthQuestion(metric)):
        assert [row.depth for row in found.rows] == list(range(1, DEPTH + 1))
        assert found.deepest.mean.estimate == pytest.approx(mean_of(result, found.reranker, metric))
        assert found.rows[0].mean.estimate == pytest.approx(mean_of(result, "bm25", metric))
        assert found.first_stage.estimate == pytest.approx(mean_of(result, "bm25", metric))
        assert (found.metric, found.queries) == (metric, QUERIES)


def test_recall_of_a_depth_is_the_share_of_relevant_candidates(result: Path) -> None:
    """Computed from the stored scores of the first stage: each query has one relevant document."""
    ranks = relevant_ranks(result)
    (found,) = sweep_result(result, "good")
    assert [row.recall for row in found.rows] == pytest.approx(
        [np.mean([rank <= depth for rank in ranks]) for depth in range(1, DEPTH + 1)]
    )


def test_unknown_costs_are_none(result: Path) -> None:
    """Nothing was timed and nothing has a price."""
    rows = [row for found in sweep_result(result) for row in found.rows]
    assert {(row.p95_s, row.usd_per_thousand_queries, row.p95_measured) for row in rows} == {
        (None, None, False)
    }


@pytest.mark.parametrize("tune", [sweep_result, search_result])
def test_depths_are_not_tuned_for_listwise_rerankers(
    result: Path, listwise: Path, tune: Callable[..., Any]
) -> None:
    """They are left out where others are there; named, or alone, they are an error that says what to do."""
    assert [one.reranker for one in tune(result)] == ["good", "fair"]
    for folder, named in ((result, "whole"), (listwise, None)):
        with pytest.raises(InputError, match="valid only for their own depth") as raised:
            tune(folder, named)
        assert "set several depths in the configuration" in (raised.value.hint or "")


@pytest.mark.parametrize("tune", [choose_thresholds, calibrate_result])
def test_scores_of_listwise_rerankers_have_thresholds(result: Path, tune: Callable[..., Any]) -> None:
    """At the depth that was scored, every reranker has scores to cut or to calibrate."""
    assert [one.reranker for one in tune(result)] == ["good", "fair", "whole"]
    assert {one.depth for one in tune(result)} == {DEPTH}
    assert [one.reranker for one in tune(result, "whole")] == ["whole"]


@pytest.mark.parametrize("tune", [choose_thresholds, calibrate_result, search_result])
def test_scores_are_tuned_at_the_depth_that_is_asked_for(result: Path, tune: Callable[..., Any]) -> None:
    """The finding says so, and figures are those of that many candidates; a deeper one is an error."""
    (found,) = tune(result, "good", depth=3)
    assert (found.made_at.depth, found.made_at.source) == (3, "given")
    if not isinstance(found, SearchResult):
        assert found.depth == 3
    else:
        assert max(row.depth for row in found.rows) == 3
    with pytest.raises(InputError, match="depth 7 is not one of the depths of small: 1 to 6"):
        tune(result, "good", depth=7)


def test_a_listwise_reranker_has_only_the_depths_that_were_run(folder: Path) -> None:
    """Each of them is scored by itself; another depth is an error that names them."""
    whole = Backend(lifted(0.5), pointwise=False)
    result = finished(folder / "small", folder / "depths", {"whole": whole}, depths=[2, DEPTH])
    (found,) = calibrate_result(result, depth=2)
    assert (found.depth, found.made_at) == (2, TunedDepth(2, "given"))
    assert calibrate_result(result)[0].depth == DEPTH
    with pytest.raises(
        InputError, match="no scores at depth 3: it is listwise, and was run at 2, 6"
    ) as raised:
        choose_thresholds(result, depth=3)
    assert "add 3 to 'depths'" in (raised.value.hint or "")


def test_all_settings_are_made_at_one_depth(result: Path, tmp_path: Path) -> None:
    """Threshold and probabilities are those of the depth that is in the file, and the file holds what is returned."""
    file = tmp_path / "production.json"
    found = tune_all(result, "good", "recall>=0.5", save=file)
    assert orjson.loads(file.read_bytes()) == orjson.loads(orjson.dumps(found))
    (rule,) = found["rerankers"]
    (choice,) = choose_thresholds(result, "good", "recall>=0.5")
    assert (rule["depth"], rule["threshold"]) == (choice.depth, choice.threshold)
    assert rule["held_out"]["recall"] == to_plain(choice.held_out)["recall"]
    assert rule["held_out"]["full_quality"]["n"] == QUERIES // 2
    assert (rule["latency"], rule["usd_per_thousand_queries"]) == (None, None)


def test_a_limit_that_nothing_is_known_to_keep_gives_no_settings(result: Path) -> None:
    """Nothing was timed or billed: the reason is in the file; by default that is in the result folder."""
    for limits, why in ((Limits(p95_s=1.0), "latency"), (Limits(usd_per_thousand_queries=1.0), "cost")):
        for tag in ("good", "whole"):
            tune_all(result, tag, question=DepthQuestion(limits=limits))
            (rule,) = read_production(result / "production.json").rerankers
            assert rule.why_not == f"no number of candidates is known to keep the limit of {why}"


def test_an_unknown_dataset_is_reported(result: Path) -> None:
    """With those that there are."""
    with pytest.raises(UnknownNameError, match="unknown dataset 'smal'"):
        tune_all(result, dataset="smal")


@pytest.mark.parametrize("tune", ALL)
def test_an_unknown_reranker_is_reported(result: Path, tune: Callable[..., Any]) -> None:
    """With the nearest name; the first stage is no reranker."""
    with pytest.raises(UnknownNameError, match="unknown reranker 'goood'"):
        tune(result, "goood")
    with pytest.raises(UnknownNameError, match="unknown reranker 'bm25'"):
        tune(result, "bm25")


@pytest.mark.parametrize("tune", ALL)
def test_an_incomplete_result_is_not_tuned(result: Path, tmp_path: Path, tune: Callable[..., Any]) -> None:
    """What is missing could change the choice; a folder that is no result is another error."""
    copy = shutil.copytree(result, tmp_path / "copy")
    edit_json(copy / "manifest.json", lambda data: data.update(status="incomplete"))
    with pytest.raises(IncompleteError):
        tune(copy)
    assert "is not a result folder" in said(lambda: tune(tmp_path))


def test_a_threshold_keeps_its_promise_on_its_own_queries(result: Path) -> None:
    """A recall of 0.5 on the queries it was chosen on; half of all queries are held out."""
    (found,) = choose_thresholds(result, "good", "recall>=0.5")
    assert found.threshold is not None
    assert found.tuned is not None
    assert (found.tuned.recall.estimate or 0) >= 0.5
    assert (found.queries, found.chosen_on) == (QUERIES, QUERIES // 2)


def test_a_promise_that_so_few_queries_cannot_give_is_not_given(result: Path) -> None:
    """At 95 % confidence a recall of 0.9 takes more than 20 queries: no threshold, a reason, and no figures."""
    (found,) = choose_thresholds(result, "good", "recall>=0.9")
    assert (found.threshold, found.tuned, found.held_out) == (None, None, None)
    assert found.why_not


def test_a_goal_is_read_from_text(result: Path) -> None:
    """With 95 % confidence for a recall; without a goal that of the default; anything else is an error."""
    assert choose_thresholds(result, "good", "recall>=0.9") == choose_thresholds(
        result, "good", Goal("recall", 0.9, Goal().confidence)
    )
    assert choose_thresholds(result, "good") == choose_thresholds(result, "good", Goal())
    assert choose_thresholds(result, "good", "max_f1")[0].goal.what == "f1"
    assert "'recall>9' is not a valid target" in said(lambda: choose_thresholds(result, "good", "recall>9"))


def test_the_same_figures_are_in_the_report(result: Path) -> None:
    """A sweep, a threshold and a calibration without further questions are those of ``tuning.json``."""
    tuning = orjson.loads((result / "tuning.json").read_bytes())
    assert orjson.loads(orjson.dumps(tune_depth(result))) == tuning["depth"]
    assert orjson.loads(orjson.dumps(tune_threshold(result))) == tuning["threshold"]
    assert orjson.loads(orjson.dumps(tune_calibration(result))) == tuning["calibration"]
    found = [to_plain(one) for one in calibrate_result(result)]
    assert orjson.loads(orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY)) == tuning["calibration"]


def test_every_dataset_is_tuned_by_itself(folder: Path) -> None:
    """One choice for each dataset and reranker, dataset by dataset."""
    block = {"source": "beir_folder", "path": str(folder / "small")}
    two = [{**block, "name": "one"}, {**block, "name": "two"}]
    backends = {"good": Backend(lifted(2.0)), "fair": Backend(lifted(0.3))}
    result = finished(folder / "small", folder / "two", backends, datasets=two)
    order = [("one", "good"), ("one", "fair"), ("two", "good"), ("two", "fair")]
    for tune in ALL:
        assert [(one.dataset, one.reranker) for one in tune(result)] == order


def test_too_few_queries_recommend_no_depth(result: Path) -> None:
    """Half of 40 queries carry no test; the margin that was asked for, or the configured one, is in the document."""
    for margin, expected in ((None, 0.01), (0.25, 0.25)):
        (found,) = sweep_result(result, "good", DepthQuestion(margin=margin))
        assert (found.margin, found.choice.recommended) == (expected, None)
        assert found.choice.why_not
