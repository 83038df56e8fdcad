"""A result folder that an earlier evalkit wrote is read, reported, compared, tuned and gated as it was then.

`older_result` was written before documents were typed records; its JSON files are the figures of that time. It has no
report, no texts and no plots, which are derived or optional.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from evalkit.formats import read_run
from evalkit.results import ResultFolder
from evalkit.results.json_shapes import document, to_json, to_plain
from evalkit.workflows.baseline import save_baseline
from evalkit.workflows.compare import compare
from evalkit.workflows.gate import gate
from evalkit.workflows.report import rebuild
from evalkit.workflows.tune import tune_depth, tune_threshold

pytestmark = pytest.mark.usefixtures("blank_plots")

OLDER = Path(__file__).parent / "older_result"
DERIVED = ("summary.json", "comparisons.json", "tuning.json", "latency.json")


@pytest.fixture
def older(tmp_path: Path) -> ResultFolder:
    """Return a copy of the folder."""
    return ResultFolder(Path(shutil.copytree(OLDER, tmp_path / "older")))


def plain(path: Path) -> Any:
    """Return the content of a JSON file."""
    return orjson.loads(path.read_bytes())


MOVED = {"detectable"}
"""Keys whose values changed since: the minimum detectable difference is now that of the corrected test."""

SENTENCES = {"why_not", "flags"}
"""Keys whose values are sentences, which may be worded differently now."""


def bounded(mean: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """Return a mean of a slice with bounds cut at 0 and 1, and without them where those of then were equal."""
    if then["lower"] is None or then["lower"] == then["upper"]:
        return {"mean": mean["mean"]}
    return {**mean, "lower": max(mean["lower"], 0.0), "upper": min(mean["upper"], 1.0)}


def close(found: Any, wanted: Any) -> bool:
    """Return whether two JSON values are equal, numbers to nine digits; found objects may have further keys.

    Keys in `MOVED` are not compared, and of `SENTENCES` only whether there are any. Bounds of a mean that were outside
    0 and 1, or equal, are inside and apart now.
    """
    if isinstance(wanted, dict) and wanted.keys() == {"mean", "lower", "upper"}:
        found, wanted = bounded(found, wanted), bounded(wanted, wanted)
    if isinstance(wanted, dict):
        return wanted.keys() <= found.keys() and all(
            bool(found[key]) == bool(wanted[key]) if key in SENTENCES else close(found[key], wanted[key])
            for key in wanted
            if key not in MOVED
        )
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(close, found, wanted))
    return bool(found == pytest.approx(wanted, rel=1e-9) if isinstance(wanted, float) else found == wanted)


def without_bounds(value: Any) -> Any:
    """Return a JSON value without the bounds of latency percentiles, which allow for differences between rounds now."""
    if isinstance(value, list):
        return [without_bounds(one) for one in value]
    if not isinstance(value, dict):
        return value
    dropped = {"lower", "upper", "decided_by", "missing"} if "needs" in value else set()
    return {key: without_bounds(one) for key, one in value.items() if key not in dropped}


def test_every_document_is_read_whole(older: ResultFolder) -> None:
    """What is read of a file, written again, holds the whole file: no key is lost or renamed, no value changed."""
    for read, file in (
        (older.read_manifest, older.manifest_file),
        (older.read_summary, older.summary_file),
        (older.read_comparisons, older.comparisons_file),
        (older.read_tuning, older.tuning_file),
        (older.read_latency, older.latency_file),
    ):
        assert close(orjson.loads(to_json(document(read()))), plain(file)), file.name


def test_the_report_has_the_figures_of_that_time(older: ResultFolder) -> None:
    """Everything derived is rebuilt from the raw files, with the same keys and numbers.

    An interval of a latency percentile contains that of then.
    """
    for name in DERIVED:
        (older.path / name).unlink()
    rebuild(older)
    for name in DERIVED:
        assert close(without_bounds(plain(older.path / name)), without_bounds(plain(OLDER / name))), name
    rows = zip(plain(older.summary_file)["latency"], plain(OLDER / "summary.json")["latency"], strict=True)
    medians = [(now["p50_s"], then["p50_s"]) for now, then in rows]
    assert all(now["lower"] <= then["lower"] < then["upper"] <= now["upper"] for now, then in medians)
    assert older.report_html_file.is_file()


def test_its_rankings_end_at_the_depth(older: ResultFolder) -> None:
    """It does not record what becomes of candidates below a depth: they were dropped, and its run files lack them."""
    assert older.read_config().below_depth == "dropped"
    rebuild(older)
    ranks = older.read_scores()["retriever_rank"]
    for depth in older.read_config().depths:
        run = read_run(older.run_file("demo", "minilm", depth))
        assert max(len(docs) for _, docs, _ in run) == min(depth, ranks.max())
    assert min(older.read_config().depths) < ranks.max()


def test_it_is_compared_and_tuned_with_the_same_figures(older: ResultFolder) -> None:
    """`compare`, `tune_depth` and `tune_threshold` return what the JSON files hold."""
    (compared,) = compare(older.path)
    assert close(orjson.loads(to_json(compared)), plain(OLDER / "comparisons.json"))
    tuned = plain(OLDER / "tuning.json")
    assert close(tune_depth(older.path), tuned["depth"])
    assert close(tune_threshold(older.path), tuned["threshold"])


def test_it_is_a_baseline_that_it_equals(older: ResultFolder, tmp_path: Path) -> None:
    """Saved as a baseline, it is identical to itself; and it may be the baseline as a folder, too."""
    for against in (save_baseline(older.path, "older", tmp_path / "baselines"), OLDER):
        verdicts = gate(older.path, against).verdicts
        assert [(one.reranker, one.status) for one in verdicts] == [
            ("lexical", "IDENTICAL"),
            ("minilm", "IDENTICAL"),
        ]
    assert plain(older.gates_file)["verdicts"] == [to_plain(one) for one in verdicts]
