"""``evalkit diff``: causes before effects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import evalkit, only_folder

pytestmark = pytest.mark.usefixtures("blank_plots")

CONFIG = """\
name: one
datasets: [{source: demo, sample: {queries: 20, seed: 1}}]
retriever: {depth: 10}
rerankers: {lexical: {backend: lexical}}
"""


def changed(folder: Path, name: str, *more: str) -> Path:
    """Return the folder of the experiment with other settings."""
    done = evalkit("run", "c.yaml", "--into", name, *more, cwd=folder)
    assert done.returncode == 0, done.stderr
    return only_folder(folder / name)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Return the folders of an experiment, of the same again, and of another with other weights and queries."""
    folder = tmp_path_factory.mktemp("diff")
    (folder / "c.yaml").write_text(CONFIG, encoding="utf-8")
    changes: dict[str, list[str]] = {
        "a": [],
        "b": [],
        "c": ["--set", "rerankers.lexical.title_weight=9", "--set", "datasets.0.sample.seed=2"],
    }
    first, again, other = (changed(folder, name, *more) for name, more in changes.items())
    return first, again, other


def test_the_same_again_does_not_differ(results: tuple[Path, Path, Path]) -> None:
    """Neither time nor place is a difference."""
    first, again, _ = results
    done = evalkit("diff", first, again)
    assert done.returncode == 0
    assert done.stdout.startswith("no mean differs\nnext: evalkit compare")


def test_causes_come_before_effects(results: tuple[Path, Path, Path]) -> None:
    """What was set, what that made of the data, and the means that moved, with their n."""
    first, _, other = results
    rows = json.loads(evalkit("diff", first, other, "--json").stdout)
    whats = [(row["about"], row["what"], row["before"], row["after"]) for row in rows]
    assert ("configuration", "rerankers.lexical.title_weight", "2", "9") in whats
    assert ("configuration", "datasets.0.sample.seed", "1", "2") in whats
    assert any(about == "data" and what == "demo.content_hash" for about, what, _, _ in whats)
    means = [what for about, what, _, _ in whats if about == "mean"]
    assert any("lexical nDCG@10 at depth 10" in what for what in means)
    order = ["status", "configuration", "data", "code", "machine", "reranker", "mean"]
    assert [row["about"] for row in rows] == sorted((row["about"] for row in rows), key=order.index)
    printed = evalkit("diff", first, other).stdout
    assert "means differ; possible causes: configuration, data" in printed


def test_what_is_no_result_is_told(tmp_path: Path) -> None:
    """One line, exit 2."""
    done = evalkit("diff", tmp_path, tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")


def test_results_without_a_common_mean_are_not_compared(results: tuple[Path, Path, Path]) -> None:
    """What has nothing in common is told apart by its causes, and no comparison is offered that would refuse."""
    first, _, _ = results
    other = changed(first.parents[1], "d", "--set", "metrics=[MRR@5]")
    printed = evalkit("diff", first, other).stdout
    assert "no mean in common; differences: configuration" in printed
    assert "next:" not in printed
