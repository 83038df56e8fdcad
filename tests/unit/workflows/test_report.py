"""The report: what is derived, from which files, and what a folder holds if that fails."""

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
from support.finished import DEPTH, edit_json, finished, lifted

from evalkit.errors import CallError, IncompleteError, InputError, StorageError
from evalkit.records import RerankRequest
from evalkit.report import report_charts
from evalkit.results.folder import ResultFolder
from evalkit.results.json_shapes import to_plain
from evalkit.workflows.report import rebuild

pytestmark = pytest.mark.usefixtures("blank_plots")
QUERIES = 12


def failing(request: RerankRequest) -> Any:
    """Answer all lists but that of q3."""
    failed = request.query_id == "q3" and len(request.documents) > 1
    return CallError("reply", "no") if failed else lifted(1.0)(request)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a collection."""
    made = tmp_path_factory.mktemp("report")
    write_collection(made / "small", QUERIES)
    return made


@pytest.fixture(scope="module")
def result(folder: Path, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a complete result of a pointwise and a listwise reranker at two depths."""
    backends = {"a": Backend(lifted(1.0)), "whole": Backend(lifted(0.5), pointwise=False)}
    return finished(folder / "small", folder / "complete", backends, depths=[3, DEPTH])


@pytest.fixture(scope="module")
def part(folder: Path, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a result in which one reranker failed on one query."""
    return finished(folder / "small", folder / "part", {"a": Backend(failing), "b": Backend(lifted(1.0))})


@pytest.fixture
def copy(result: Path, tmp_path: Path) -> ResultFolder:
    """Return a copy of the complete result, which a test may change."""
    return ResultFolder(shutil.copytree(result, tmp_path / "copy"))


@pytest.fixture
def part_copy(part: Path, tmp_path: Path) -> ResultFolder:
    """Return a copy of the incomplete result."""
    return ResultFolder(shutil.copytree(part, tmp_path / "part"))


def test_what_an_earlier_report_left_is_removed(copy: ResultFolder) -> None:
    """A run, a plot or a table of something that the result no longer holds would be taken for a part of it."""
    strays = [into / "stray" for into in (copy.runs_folder, copy.plots_folder, copy.tables_folder)]
    for stray in strays:
        stray.write_text("", encoding="utf-8")
    rebuild(copy)
    assert not [stray for stray in strays if stray.exists()]
    assert all(any(into.iterdir()) for into in (copy.runs_folder, copy.tables_folder))


def test_values_are_derived_from_the_scores(copy: ResultFolder) -> None:
    """Negated scores reverse every list: the mean reciprocal rank changes as computed by hand."""
    scores = pd.read_parquet(copy.scores_file)
    scores.loc[scores["reranker"] == "a", "score"] *= -1
    scores.to_parquet(copy.scores_file)
    rebuild(copy)
    relevant = {f"q{n}": f"d{n}.{n % DEPTH}" for n in range(QUERIES)}
    expected = []
    for query, rows in scores[scores["reranker"] == "a"].groupby("query_id"):
        order = rows.sort_values("score", ascending=False)["doc_id"].tolist()
        expected.append(1 / (order.index(relevant[str(query)]) + 1))
    values = pd.read_parquet(copy.values_file)
    own = values[(values["reranker"] == "a") & (values["metric"] == "MRR@10") & (values["depth"] == DEPTH)]
    assert sorted(own["value"]) == pytest.approx(sorted(expected))


def test_every_reranker_has_a_run_at_every_depth(result: Path) -> None:
    """The first stage, too; a listwise reranker's run is that of its own pass."""
    folder = ResultFolder(result)
    for tag in ("bm25", "a", "whole"):
        for depth in (3, DEPTH):
            assert folder.run_file("small", tag, depth).is_file()


def test_the_documents_are_returned_as_they_are_written(copy: ResultFolder) -> None:
    """So that a command need not read them again."""
    found = rebuild(copy)
    for document, file in (
        (found.summary, copy.summary_file),
        (found.compared, copy.comparisons_file),
        (found.tuned, copy.tuning_file),
        (found.latency, copy.latency_file),
    ):
        plain = orjson.dumps(to_plain(document), option=orjson.OPT_SERIALIZE_NUMPY)
        assert {"schema_version": type(document).VERSION, **orjson.loads(plain)} == orjson.loads(
            file.read_bytes()
        )


def test_depths_are_swept_for_pointwise_rerankers_only(copy: ResultFolder) -> None:
    """A listwise reranker has a threshold and a calibration at the depth that was scored."""
    tuned = rebuild(copy).tuned
    assert [one.reranker for one in tuned.depth] == ["a"]
    assert [one.reranker for one in tuned.threshold] == ["a", "whole"]
    assert [one.reranker for one in tuned.calibration] == ["a", "whole"]


def test_an_incomplete_result_needs_a_wish(part_copy: ResultFolder) -> None:
    """The error says what failed, and nothing is written; with the wish, the report leaves out what is missing."""
    part_copy.report_html_file.unlink()
    with pytest.raises(
        IncompleteError, match="is incomplete: a has no scores of 1 of 12 queries of small"
    ) as raised:
        rebuild(part_copy)
    assert "--allow-incomplete" in (raised.value.hint or "")
    assert not part_copy.report_html_file.exists()
    found = rebuild(part_copy, allow_incomplete=True)
    assert part_copy.report_html_file.is_file()
    counts = {row.reranker: row.mean.n for row in found.summary.quality if row.metric == "MRR@10"}
    assert counts == {"bm25": QUERIES, "a": QUERIES - 1, "b": QUERIES}


def test_a_reranker_with_a_failed_query_is_not_tuned(part: Path) -> None:
    """Its depth and threshold would be chosen on other queries than those of the others."""
    tuned = ResultFolder(part).read_tuning()
    for documents in (tuned.depth, tuned.threshold, tuned.calibration):
        assert [one.reranker for one in documents] == ["b"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data.update(status="running"), "is running: the run did not finish"),
        (lambda data: data.update(status="failed"), "is failed: the run did not finish"),
        (
            lambda data: data.update(status="incomplete", calls={"a": {"ok": 1, "retried": 2, "failed": 3}}),
            "is incomplete: 3 calls to a failed",
        ),
    ],
    ids=["running", "failed", "failed calls"],
)
def test_the_reason_of_an_incomplete_result_is_named(
    copy: ResultFolder, change: Callable[[dict[str, Any]], None], why: str
) -> None:
    """Killed, stopped by a bug, or with calls that failed."""
    edit_json(copy.manifest_file, change)
    with pytest.raises(IncompleteError, match=why):
        rebuild(copy)


def test_without_a_quality_pass_nothing_is_said_about_quality(folder: Path) -> None:
    """A bench has no values, no comparisons and no tuning; its latencies are there."""
    bench = finished(
        folder / "small",
        folder / "bench",
        {"a": Backend()},
        quality=False,
        latency={"batch_sizes": [1], "calls": 6},
    )
    found = rebuild(ResultFolder(bench))
    assert found.summary.quality == ()
    assert found.compared.datasets == ()
    assert (found.tuned.depth, found.tuned.threshold, found.tuned.calibration) == ((), (), ())
    assert [row.batch_size for row in found.summary.latency] == [1]
    assert len(pd.read_parquet(bench / "values.parquet")) == 0


def test_kept_texts_are_not_needed(copy: ResultFolder) -> None:
    """Where somebody removed them the pages show no text, and all figures are the same."""
    before, word = rebuild(copy), "filler filler filler"
    assert word in copy.report_html_file.read_text(encoding="utf-8")
    copy.texts_file.unlink()
    after = rebuild(copy)
    assert word not in copy.report_html_file.read_text(encoding="utf-8")
    assert (after.summary, after.compared) == (before.summary, before.compared)


def test_a_report_that_fails_leaves_no_page(copy: ResultFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is the last file: a folder that has one has everything else."""

    def fail(*_: Any) -> None:
        raise OSError("no space")

    monkeypatch.setattr(report_charts, "report_charts", fail)
    with pytest.raises(StorageError, match="no space"):
        rebuild(copy)
    assert not copy.report_html_file.exists()
    monkeypatch.undo()
    rebuild(copy)
    assert copy.report_html_file.is_file()


@pytest.mark.parametrize("name", ["manifest.json", "config.resolved.yaml", "failures.jsonl"])
def test_a_damaged_file_is_an_error_and_changes_nothing(copy: ResultFolder, name: str) -> None:
    """Cut short by a kill: named, before the old report is touched."""
    file = copy.path / name
    file.write_bytes(b'{"kind": ')
    before = copy.report_html_file.read_bytes()
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        rebuild(copy)
    assert copy.report_html_file.read_bytes() == before


def test_means_are_those_of_the_values(result: Path) -> None:
    """For every reranker, metric and depth, over the queries that have a value."""
    values = pd.read_parquet(result / "values.parquet")
    for row in ResultFolder(result).read_summary().quality:
        own = values[
            (values["reranker"] == row.reranker)
            & (values["metric"] == row.metric)
            & (values["depth"] == row.depth)
        ]
        assert (row.mean.estimate, row.mean.n) == (pytest.approx(np.mean(own["value"])), len(own))
