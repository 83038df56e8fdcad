"""The GitHub action and the workflows: what they use, their inputs, documents and permissions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support.command import ROOT
from support.github_expressions import fill_in, is_met
from support.github_runner import NOT_RUN, load
from support.pages import blocks

from evalkit.config.source import read_source

ACTION = "OWNER/REPO/.github/actions/rerank-gate@REF"
FOLDER = ROOT / ".github" / "actions" / "rerank-gate"
WORKFLOWS = [ROOT / "configs" / "ci" / name for name in ("gate.yml", "gate-action.yml")]


def steps_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of a workflow or an action."""
    if "runs" in data:
        return list(data["runs"]["steps"])
    return [step for job in data["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", [*WORKFLOWS, FOLDER / "action.yml"], ids=lambda path: path.name)
def test_no_script_contains_an_expression(file: Path) -> None:
    """Values reach scripts by variables; the actions used are known, and nothing restores a cache."""
    for step in steps_of(load(file)):
        assert "${{" not in step.get("run", ""), step
        assert step.get("uses", ACTION) in {*NOT_RUN, ACTION}
        assert "cache" not in str(step.get("with", {}))


def test_every_input_is_used_and_documented() -> None:
    """Each input has a row in the README with its default, and each step gets the variables that it reads."""
    data = load(FOLDER / "action.yml")
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"(?m)^\| `([\w-]+)` \| (.*?) ?\|", page))
    for name, block in data["inputs"].items():
        assert f"inputs.{name} " in str(data["runs"]["steps"]), name
        default = block.get("default", "required" if block.get("required") else "")
        assert rows[name] == (
            "the job's token" if "token" in default else default and f"`{default}`"
        ).replace("`required`", "required"), name
        assert block["description"], name
    assert set(rows) == {*data["inputs"], *data["outputs"]}


def test_the_token_is_given_to_the_comment_alone() -> None:
    """No other step can read it, and the workflow asks for the permissions that the README names."""
    steps = load(FOLDER / "action.yml")["runs"]["steps"]
    assert [step["name"] for step in steps if "github-token" in str(step)] == ["Comment on the pull request"]
    permissions = load(WORKFLOWS[1])["permissions"]
    assert permissions == {"contents": "read", "pull-requests": "write"}
    assert load(WORKFLOWS[0])["permissions"] == {"contents": "read"}
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}: {access}`" in page for name, access in permissions.items())


@pytest.mark.parametrize("page", [FOLDER / "README.md", ROOT / "configs" / "regression-test.md"])
def test_the_pages_show_the_step_of_the_workflow(page: Path) -> None:
    """The example of a page is the step of `configs/ci/gate-action.yml`, perhaps without its keys."""
    (example,) = (block for block in blocks(page, "yaml") if "uses:" in block)
    data = read_source(example, str(page)).data
    steps = data if isinstance(data, list) else steps_of(data)
    (wanted,) = (step for step in steps_of(load(WORKFLOWS[1])) if step["uses"] == ACTION)
    (shown,) = (step for step in steps if step["uses"] == ACTION)
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
