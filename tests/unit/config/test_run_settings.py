"""Runs in a configuration: one file or one per dataset, and every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.config import Config, RunSettings, load_config, resolved_yaml
from evalkit.config.schema import config_schema
from evalkit.errors import ConfigError

ROW = "q1 Q0 d1 1 3.0 x\n"
ONE = "name: t\ndatasets: [demo]\nruns:\n  es: {path: es.trec}\n"
TWO = (
    "name: t\ndatasets: [demo, {source: demo, name: other}]\nrerankers:\n  mine: {backend: lexical}\nruns:\n"
    "  es:\n    - {path: es.trec, dataset: demo}\n    - {path: es.trec, dataset: other}\n"
)


def load(folder: Path, text: str, *overrides: str) -> Config:
    """Load a configuration in a folder with a run file."""
    (folder / "es.trec").write_text(ROW, encoding="utf-8")
    file = folder / "c.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, overrides)


def test_a_run_needs_no_reranker_and_belongs_to_the_only_dataset(tmp_path: Path) -> None:
    """Its file is found from the configuration's folder, and one mapping is a list with one run."""
    config = load(tmp_path, ONE)
    assert config.rerankers == {}
    assert config.runs == {"es": (RunSettings(path=tmp_path / "es.trec", dataset="demo"),)}


def test_a_run_has_one_file_for_each_dataset(tmp_path: Path) -> None:
    """In the order of the list."""
    assert [one.dataset for one in load(tmp_path, TWO).runs["es"]] == ["demo", "other"]


def test_the_resolved_configuration_loads_to_the_same_runs(tmp_path: Path) -> None:
    """With the dataset that was left out."""
    config = load(tmp_path, ONE)
    again = tmp_path / "resolved.yaml"
    again.write_text(resolved_yaml(config), encoding="utf-8")
    assert load_config(again) == config


def test_a_run_may_be_the_baseline(tmp_path: Path) -> None:
    """It is a system like the others."""
    assert load(tmp_path, ONE + "compare: {baseline: es}\n").compare.baseline == "es"


def test_an_override_sets_a_key_of_a_run(tmp_path: Path) -> None:
    """By its tag, as the configuration is written."""
    (tmp_path / "es.csv").write_text("query_id,seconds\nq1,0.1\n", encoding="utf-8")
    config = load(tmp_path, ONE, f"runs.es.latencies={tmp_path / 'es.csv'}")
    assert config.runs["es"][0].latencies == tmp_path / "es.csv"


BAD = {
    "neither rerankers nor runs": (
        "name: t\ndatasets: [demo]\n",
        "c.yaml:1:1: key 'rerankers' is missing\n  hint: add 'rerankers:', or 'runs:' to compare TREC runs",
    ),
    "no reranker": (
        "name: t\ndatasets: [demo]\nrerankers: {}\n",
        "c.yaml:3:12: 'rerankers' must not be empty\n  hint: add 'rerankers:', or 'runs:'",
    ),
    "the tag of a reranker": (
        ONE + "rerankers: {es: {backend: lexical}}\n",
        "c.yaml:4:7: the tag 'es' is already the tag of a reranker\n  hint: rename this run",
    ),
    "the tag of the retriever": (
        ONE.replace("es:", "bm25:"),
        "c.yaml:4:9: the tag 'bm25' is already the tag of the retriever\n  hint: rename this run",
    ),
    "no file": (ONE.replace("es.trec", "no.trec"), "c.yaml:4:14: file not found: "),
    "an unknown key": (
        ONE.replace("path: es.trec", "path: es.trec, datset: demo"),
        "c.yaml:4:23: unknown key 'datset'\n  hint: did you mean 'dataset'?",
    ),
    "no path": (ONE.replace("path", "file"), "c.yaml:4:7: key 'path' is missing\n  hint: add 'path:'"),
    "no run": (ONE.replace("{path: es.trec}", "[]"), "c.yaml:4:7: 'es' must not be empty"),
    "an unknown dataset": (
        TWO.replace("dataset: other", "dataset: othr"),
        "c.yaml:8:32: unknown dataset 'othr'\n  hint: did you mean 'other'?",
    ),
    "a dataset that is left out": (
        TWO.replace(", dataset: other", ""),
        "c.yaml:8:7: the configuration has several datasets\n  hint: add 'dataset:', one of: demo, other",
    ),
    "two runs for one dataset": (
        TWO.replace("dataset: other", "dataset: demo"),
        "c.yaml:8:7: 'es' has two runs for the dataset 'demo'\n  hint: remove one of them",
    ),
    "a baseline that lacks a dataset": (
        TWO.replace("    - {path: es.trec, dataset: other}\n", "") + "compare: {baseline: es}\n",
        "c.yaml:8:21: the baseline 'es' has no run for the dataset 'other'",
    ),
    "a dataset without anything to compare": (
        TWO.replace("    - {path: es.trec, dataset: other}\n", "").replace(
            "rerankers:\n  mine: {backend: lexical}\n", ""
        ),
        "c.yaml:2:18: the dataset 'other' has neither a run nor a reranker to compare",
    ),
    "an unknown baseline": (
        ONE + "compare: {baseline: ess}\n",
        "c.yaml:5:21: unknown system 'ess'\n  hint: did you mean 'es'?",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_reported_with_place_and_hint(tmp_path: Path, case: str) -> None:
    """As the one problem of its configuration."""
    text, expected = BAD[case]
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    shown = caught.value.render().replace(str(tmp_path / "c.yaml"), "c.yaml")
    assert expected in shown
    assert len(caught.value.problems) == 1 + (case == "no path"), shown  # there 'file' is an unknown key, too


def test_a_run_with_a_mistake_is_still_a_known_baseline(tmp_path: Path) -> None:
    """One mistake is one problem: the tag is there, although its run is invalid."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, ONE.replace("es.trec", "3") + "compare: {baseline: es}\n")
    assert [message for message, _ in caught.value.problems if "unknown system" in message] == []


def test_editors_accept_one_run_and_a_list() -> None:
    """And either of rerankers and runs is required."""
    schema = config_schema()
    one, several = schema["properties"]["runs"]["additionalProperties"]["anyOf"]
    assert several["items"] == one
    assert schema["anyOf"] == [{"required": ["rerankers"]}, {"required": ["runs"]}]
    assert "rerankers" not in schema["required"]
