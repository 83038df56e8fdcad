"""Only a command that calls a backend needs its key."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.api_runs import write_collection
from support.command import evalkit

CONFIG = """\
name: keyed
datasets: [{{source: beir_folder, path: {folder}}}]
retriever: {{depth: 3}}
depths: [2, 3]
rerankers:
  api: {{backend: http, url: "http://127.0.0.1:9/rerank", model: m, api_key_env: UNSET_VARIABLE}}
latency: {{batch_sizes: [1]}}
"""
NOT_SET = "c.yaml:6:81: the environment variable 'UNSET_VARIABLE' is not set"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a working directory with a configuration whose key is not set."""
    made = tmp_path_factory.mktemp("keys")
    write_collection(made / "small", 12)
    (made / "c.yaml").write_text(CONFIG.format(folder=made / "small"), encoding="utf-8")
    return made


@pytest.mark.parametrize(
    "words",
    [["config", "show"], ["dataset", "info"], ["dataset", "check"], ["run", "--plan"], ["bench", "--plan"]],
    ids=" ".join,
)
def test_a_command_without_calls_needs_no_key(place: Path, words: list[str]) -> None:
    """It succeeds and prints nothing about the key."""
    done = evalkit(*words, "c.yaml", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "is not set" not in done.stderr


def test_a_plan_explains_its_check(place: Path) -> None:
    """The note says what the calls of this pass are for."""
    shown = " ".join(evalkit("run", "--plan", "c.yaml", cwd=place).stdout.split())
    assert "small api check" in shown
    assert "tests on a few pairs whether scores depend on the rest of the list" in shown


def test_a_check_warns_of_a_key_that_is_not_set(place: Path) -> None:
    """The configuration is valid; the warning says what must be set before a run."""
    done = evalkit("config", "check", "c.yaml", cwd=place)
    assert done.returncode == 0
    assert done.stderr == f"warning: {NOT_SET}; run export UNSET_VARIABLE=... first\n"
    assert done.stdout.startswith("c.yaml is valid\n")
    broken = evalkit("config", "check", "c.yaml", "--set", "rerankers.api.api_key_env=sk-0123", cwd=place)
    assert (broken.returncode, "not the key itself" in broken.stderr) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["bench"],
        ["probe", "--reranker", "api"],
        ["aa", "--reranker", "api"],
        ["serve"],
        ["store", "drift"],
    ],
    ids=" ".join,
)
def test_a_command_with_calls_is_refused_without_the_key(place: Path, words: list[str]) -> None:
    """Before anything is sent or written."""
    done = evalkit(*words, "c.yaml", cwd=place)
    assert done.returncode == 2, done.stderr
    assert f"error: {NOT_SET}\n  hint: run export UNSET_VARIABLE=... first" in done.stderr
    assert not (place / "results").exists()


GATEWAY = """\
name: gateway
datasets: [demo]
rerankers:
  api:
    backend: http
    url: "http://127.0.0.1:9/rerank"
    model: m
    headers_env: {X-Gateway-Key: UNSET_VARIABLE}
"""


def test_a_header_of_a_variable_is_checked_like_the_key(tmp_path: Path) -> None:
    """A warning of the check, an error of a run; a key in the place of the variable's name is refused."""
    (tmp_path / "g.yaml").write_text(GATEWAY, encoding="utf-8")
    missing = "g.yaml:8:34: the environment variable 'UNSET_VARIABLE' is not set"
    done = evalkit("config", "check", "g.yaml", cwd=tmp_path)
    assert (done.returncode, f"warning: {missing}" in done.stderr) == (0, True)
    for words in (["run"], ["serve"]):
        refused = evalkit(*words, "g.yaml", cwd=tmp_path)
        assert refused.returncode == 2
        assert f"error: {missing}\n  hint: run export UNSET_VARIABLE=... first" in refused.stderr
    override = "rerankers.api.headers_env.X-Gateway-Key=sk-0123"
    broken = evalkit("config", "check", "g.yaml", "--set", override, cwd=tmp_path)
    assert broken.returncode == 2
    assert (
        "'headers_env.X-Gateway-Key' must be the name of an environment variable, not the key itself"
        in broken.stderr
    )
    assert "sk-0123" not in broken.stdout + broken.stderr
