"""A dictionary as a configuration: the same as a file with its content, and problems at the paths of their keys."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML
from support.collections import write_beir_folder
from support.command import ROOT

from evalkit.config import load_config
from evalkit.config.source import key_path
from evalkit.errors import ConfigError

GOOD: dict[str, Any] = {"name": "small", "datasets": ["demo"], "rerankers": {"mine": {"backend": "lexical"}}}


def problems(data: dict[Any, Any], *overrides: str) -> str:
    """Return what the user is shown for a bad dictionary."""
    with pytest.raises(ConfigError) as caught:
        load_config(data, overrides)
    return caught.value.render()


@pytest.mark.parametrize("name", ["quickstart.yaml", "tuning.yaml"])
def test_a_dictionary_is_as_good_as_its_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder of the file, with the same overrides; the dictionary stays as it was."""
    monkeypatch.chdir(ROOT / "configs")
    file = ROOT / "configs" / name
    data = YAML(typ="safe", pure=True).load(file)
    before = deepcopy(data)
    assert load_config(data, ["seed=7"]) == load_config(file, ["seed=7"])
    assert data == before


def test_what_python_writes_otherwise_than_yaml_is_taken(tmp_path: Path) -> None:
    """A tuple is a list, and a path is text."""
    datasets = ({"source": "beir_folder", "path": write_beir_folder(tmp_path / "tiny")},)
    config = load_config({**GOOD, "datasets": datasets, "depths": (5, 10), "retriever": {"depth": 10}})
    assert config.depths == (5, 10)
    assert str(tmp_path) in repr(config.datasets[0])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"rerankers": {"mine": {"backend": "lexical", "batchsize": 3}}},
            "error: rerankers.mine.batchsize: unknown key 'batchsize'\n  hint: did you mean 'batch_size'?",
        ),
        (
            {"datasets": ["demo", {"source": "dmo"}]},
            "error: datasets[1].source: unknown dataset source 'dmo'",
        ),
        ({"seed": "many"}, "error: seed: 'seed' must be a whole number (given: 'many')"),
        ({"rerankers": {3: {"backend": "lexical"}}}, "error: rerankers.3: the key 3 must be text"),
        ({"seed": np.int64(3)}, "error: seed: a value of type numpy.int64 is not supported"),
    ],
)
def test_a_problem_names_the_path_of_its_key(change: dict[str, Any], expected: str) -> None:
    """In place of the line and column of a file."""
    assert expected in problems({**GOOD, **change})


def test_a_missing_key_is_a_problem_of_what_holds_it() -> None:
    """All of them at once; at the top level of the dictionary itself."""
    shown = problems({"rerankers": {"mine": {"url": "x"}}})
    assert "error: config: key 'name' is missing" in shown
    assert "error: rerankers.mine: key 'backend' is missing" in shown


def test_an_override_keeps_its_own_name() -> None:
    """A problem in a `--set` is not one of the dictionary."""
    assert "error: --set depths: 'depths[0]' must be" in problems(GOOD, "depths=[a]")


def test_paths_are_written_as_python_would() -> None:
    """Keys after dots, indices in brackets."""
    assert key_path(("datasets", 0, "split")) == "datasets[0].split"
    assert key_path(()) == ""
