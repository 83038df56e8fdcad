"""An experiment from Python: where its result is, what it holds, and what a plan leaves alone."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from support.collections import QRELS
from support.configs import config_of

from evalkit.config import resolved_yaml
from evalkit.errors import ConfigError, EvalkitError
from evalkit.workflows.run import plan, run

pytestmark = pytest.mark.usefixtures("blank_plots")


def test_a_result_is_complete_with_its_report(tiny_folder: Path, tmp_path: Path) -> None:
    """Below the parent that was named; everything derived is there, and nothing half-written."""
    result = run(config_of(tiny_folder), tmp_path / "results")
    assert result.path.parent == tmp_path / "results"
    assert orjson.loads((result.path / "manifest.json").read_bytes())["status"] == "complete"
    for name in ("summary.json", "report.md", "report.html", "values.parquet", "scores.parquet"):
        assert (result.path / name).is_file()
    assert not list(result.path.rglob("*.part"))


def test_without_a_parent_results_are_named_after_the_experiment(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``results/<name>`` below the working directory."""
    monkeypatch.chdir(tmp_path)
    result = run(config_of(tiny_folder, name="mine"))
    assert result.path.resolve().parent == tmp_path / "results" / "mine"


def test_a_file_is_a_configuration(tiny_folder: Path, tmp_path: Path) -> None:
    """By its path or its text; the result keeps the file as it was, and the call that was made."""
    file = tmp_path / "c.yaml"
    file.write_text(f"# mine\n{resolved_yaml(config_of(tiny_folder))}", encoding="utf-8")
    for named in (file, str(file)):
        result = run(named, tmp_path / "results")
        assert (result.path / "config.yaml").read_bytes() == file.read_bytes()
        assert str(file) in orjson.loads((result.path / "manifest.json").read_bytes())["command"]


def test_the_same_again_gives_the_same_values(tiny_folder: Path, tmp_path: Path) -> None:
    """Two runs of one configuration have the same means, and folders of their own."""
    first, second = (run(config_of(tiny_folder), tmp_path / "results") for _ in range(2))
    assert first.path != second.path
    means = [orjson.loads((one.path / "summary.json").read_bytes())["quality"] for one in (first, second)]
    assert means[0] == means[1]
    assert {row["n"] for row in means[0]} == {sum(any(docs.values()) for docs in QRELS.values())}


def test_a_plan_writes_nothing(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a folder nor a store, wherever results would go."""
    monkeypatch.chdir(tmp_path)
    config = config_of(tiny_folder)
    assert [one.reranker for one in plan(config)] == [one.reranker for one in plan(config, tmp_path / "into")]
    assert not list(tmp_path.iterdir())


def test_mistakes_are_errors_of_evalkit(tiny_folder: Path, tmp_path: Path) -> None:
    """A file that is not there, one that is wrong, and data that is gone; nothing is written."""
    with pytest.raises(EvalkitError, match="configuration not found"):
        run(tmp_path / "none.yaml", tmp_path / "results")
    (tmp_path / "bad.yaml").write_text("name: t\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        run(tmp_path / "bad.yaml", tmp_path / "results")
    with pytest.raises(EvalkitError):
        run(config_of(tiny_folder / "gone"), tmp_path / "results")
    assert not (tmp_path / "results").exists()
