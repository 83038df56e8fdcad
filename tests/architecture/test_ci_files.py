"""The GitHub action and the workflows: what they use, their inputs, documents and permissions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support.command import ROOT
from support.github_expressions import fill_in, is_met
from support.github_runner import (
    ACTION_WORKFLOW,
    GATE_WORKFLOW,
    NOT_RUN,
    RERANK_GATE,
    RERANK_GATE_FOLDER,
    load,
)
from support.pages import blocks

from evalkit.config.source import read_source

WORKFLOWS = [GATE_WORKFLOW, ACTION_WORKFLOW]


def steps_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of a workflow or an action."""
    if "runs" in data:
        return list(data["runs"]["steps"])
    return [step for job in data["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", [*WORKFLOWS, RERANK_GATE_FOLDER / "action.yml"], ids=lambda path: path.name)
def test_no_script_contains_an_expression(file: Path) -> None:
    """Values reach scripts by variables; the actions used are known, and nothing restores a cache."""
    for step in steps_of(load(file)):
        assert "${{" not in step.get("run", ""), step
        assert step.get("uses", RERANK_GATE) in {*NOT_RUN, RERANK_GATE}
        assert "cache" not in str(step.get("with", {}))


def test_the_workflow_installs_evalkit_from_a_git_reference() -> None:
    """No index has evalkit: the user sets repository and reference once, at the top."""
    data = load(GATE_WORKFLOW)
    assert data["env"] == {"EVALKIT": "rerank-evalkit[server] @ git+https://github.com/OWNER/REPO@REF"}
    scripts = [step["run"] for step in steps_of(data) if "run" in step]
    assert [script for script in scripts if "pip " in script] == ['pip install "$EVALKIT"']


def shown_default(block: dict[str, Any]) -> str:
    """Return the default of an input as the README shows it."""
    if block.get("required"):
        return "required"
    default = block["default"]
    return "the job's token" if "github.token" in default else default and f"`{default}`"


def test_every_input_is_used_and_documented() -> None:
    """A step reads it, it has a description, and the README has a row with its default; outputs have rows, too."""
    data = load(RERANK_GATE_FOLDER / "action.yml")
    page = (RERANK_GATE_FOLDER / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"(?m)^\| `([\w-]+)` \| (.*?) ?\|", page))
    for name, block in data["inputs"].items():
        assert f"inputs.{name} " in str(data["runs"]["steps"]), name
        assert rows[name] == shown_default(block), name
        assert block["description"], name
    assert set(rows) == {*data["inputs"], *data["outputs"]}


def test_the_token_is_given_to_the_comment_alone() -> None:
    """No other step can read it, and the workflow asks for the permissions that the README names."""
    steps = load(RERANK_GATE_FOLDER / "action.yml")["runs"]["steps"]
    assert [step["name"] for step in steps if "github-token" in str(step)] == ["Comment on the pull request"]
    permissions = load(ACTION_WORKFLOW)["permissions"]
    assert permissions == {"contents": "read", "pull-requests": "write"}
    assert load(GATE_WORKFLOW)["permissions"] == {"contents": "read"}
    page = (RERANK_GATE_FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}: {access}`" in page for name, access in permissions.items())


@pytest.mark.parametrize("page", [RERANK_GATE_FOLDER / "README.md", ROOT / "configs" / "regression-test.md"])
def test_the_pages_show_the_step_of_the_workflow(page: Path) -> None:
    """The example of a page is the step of `configs/ci/gate-action.yml`, perhaps without its keys."""
    (example,) = (block for block in blocks(page, "yaml") if "uses:" in block)
    data = read_source(example, str(page)).data
    steps = data if isinstance(data, list) else steps_of(data)
    (wanted,) = (step for step in steps_of(load(ACTION_WORKFLOW)) if step["uses"] == RERANK_GATE)
    (shown,) = (step for step in steps if step["uses"] == RERANK_GATE)
    assert (shown["uses"], shown["with"]) == (wanted["uses"], wanted["with"])


def test_expressions_are_read_as_github_reads_them() -> None:
    """Operators, negation, texts and status functions; an unknown name is an error."""
    known = {"inputs": {"a": "true", "b": ""}, "steps": {"x.outcome": "success"}}
    assert fill_in("${{ inputs.a }}-${{ steps.x.outputs.none }}-${{ !inputs.b }}", known) == "true--true"
    assert is_met("inputs.a == 'true' && (inputs.b != '' || !cancelled())", known, failed=True)
    assert not is_met("inputs.a == 'true'", known, failed=True)
    assert not is_met(None, known, failed=True)
    assert is_met("failure()", known, failed=True)
    with pytest.raises(KeyError):
        fill_in("${{ inputs.c }}", known)
