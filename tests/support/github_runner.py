"""Runs the jobs of a GitHub workflow and composite actions, as far as evalkit's use it: scripts with bash, in order."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.config.source import read_source
from support.command import ROOT
from support.github_expressions import Contexts, fill_in, is_met

BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
"""What `shell: bash` means; a script without a shell runs without pipefail."""
NOT_RUN = ("actions/checkout@v4", "actions/setup-python@v5", "actions/upload-artifact@v4")
"""Actions of GitHub: only their inputs are recorded."""

RERANK_GATE = "OWNER/REPO/.github/actions/rerank-gate@REF"
"""Our action, as workflows name it."""
RERANK_GATE_FOLDER = ROOT / ".github" / "actions" / "rerank-gate"
GATE_WORKFLOW, ACTION_WORKFLOW = (ROOT / "configs" / "ci" / name for name in ("gate.yml", "gate-action.yml"))
"""The workflows that users copy: without our action, and with it."""


def load(path: Path) -> dict[str, Any]:
    """Return a workflow or an action."""
    source = read_source(path.read_text(encoding="utf-8"), str(path))
    assert not source.problems
    data: dict[str, Any] = source.data
    return data


@dataclass
class Job:
    """What a job did.

    Attributes
    ----------
    exit_code
        Of the first script that failed; 0 if none did.
    log
        Everything that the scripts printed.
    used
        The actions of GitHub that were used, with their inputs.
    outputs
        Of the last composite action.
    """

    exit_code: int = 0
    log: str = ""
    used: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Runner:
    """A machine that runs jobs.

    Attributes
    ----------
    workspace
        Where scripts run: the checkout.
    temp
        Files of the runner.
    env
        Variables of every script, those of the runner among them.
    github, secrets
        Contexts of expressions.
    actions
        Name of a composite action -> its folder.
    """

    workspace: Path
    temp: Path
    env: dict[str, str]
    github: Mapping[str, str]
    secrets: Mapping[str, str]
    actions: Mapping[str, Path]

    @property
    def summary(self) -> str:
        """The job summary."""
        return (self.temp / "summary.md").read_text(encoding="utf-8")

    def run(self, workflow: Path) -> Job:
        """Run the only job of a workflow."""
        data = load(workflow)
        ((name, block),) = data["jobs"].items()
        (self.temp / "summary.md").write_text("", encoding="utf-8")
        job, github = Job(), {**self.github, "job": name}
        contexts = {"github": github, "secrets": self.secrets, "steps": {}}
        env = self._env(data.get("env", {}), contexts) | self._env(block.get("env", {}), contexts)
        self._steps(block["steps"], job, contexts, env)
        return job

    def act(self, action: str, given: dict[str, str]) -> Job:
        """Run a job that only uses a composite action."""
        (self.temp / "summary.md").write_text("", encoding="utf-8")
        job = Job()
        self._compose(action, given, job, {"github": {**self.github, "job": "gate"}}, {})
        return job

    def _env(self, env: Mapping[str, Any], contexts: Contexts) -> dict[str, str]:
        return {
            name: fill_in(str(value).lower() if isinstance(value, bool) else str(value), contexts)
            for name, value in env.items()
        }

    def _steps(
        self, steps: list[dict[str, Any]], job: Job, contexts: dict[str, Any], env: dict[str, str]
    ) -> bool:
        """Run steps in order; return whether one failed."""
        failed = False
        for step in steps:
            known = contexts["steps"]
            outcome, outputs = "skipped", dict[str, str]()
            if is_met(step.get("if"), contexts, failed=failed):
                step_env = env | self._env(step.get("env", {}), contexts)
                if "run" in step:
                    code, outputs = self._script(step, job, contexts, step_env)
                    job.exit_code = job.exit_code or code
                    ended_well = code == 0
                else:
                    given = self._env(step.get("with", {}), contexts)
                    ended_well = self._use(step["uses"], given, job, contexts, step_env)
                outcome = "success" if ended_well else "failure"
            failed = failed or outcome == "failure"
            if "id" in step:
                known[f"{step['id']}.outcome"] = outcome
                known.update({f"{step['id']}.outputs.{name}": value for name, value in outputs.items()})
        return failed

    def _script(
        self, step: dict[str, Any], job: Job, contexts: Contexts, env: dict[str, str]
    ) -> tuple[int, dict[str, str]]:
        """Run a script; return its exit code and its outputs."""
        script, outputs = self.temp / "script.sh", self.temp / "outputs"
        script.write_text(fill_in(step["run"], contexts), encoding="utf-8")
        outputs.write_text("", encoding="utf-8")
        files = {"GITHUB_OUTPUT": str(outputs), "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md")}
        shell = BASH if step.get("shell") == "bash" else ("bash", "-e")
        done = subprocess.run(
            [*shell, str(script)], cwd=self.workspace, env={**os.environ, **self.env, **files, **env},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300,
        )  # fmt: skip
        job.log += done.stdout
        lines = outputs.read_text(encoding="utf-8").splitlines()
        return done.returncode, dict(line.split("=", 1) for line in lines)

    def _use(
        self, action: str, given: dict[str, str], job: Job, contexts: Contexts, env: dict[str, str]
    ) -> bool:
        """Use an action; return whether it succeeded."""
        if action in self.actions:
            return self._compose(action, given, job, contexts, env)
        assert action in NOT_RUN, action
        job.used.append((action, given))
        return True

    def _compose(
        self, action: str, given: dict[str, str], job: Job, contexts: Contexts, env: dict[str, str]
    ) -> bool:
        """Run a composite action; return whether it succeeded."""
        folder = self.actions[action]
        data = load(folder / "action.yml")
        declared = data["inputs"]
        assert set(given) <= set(declared), "unknown inputs"
        defaults = {name: fill_in(str(one.get("default", "")), contexts) for name, one in declared.items()}
        own: dict[str, Any] = {"github": contexts["github"], "inputs": defaults | given, "steps": {}}
        failed = self._steps(data["runs"]["steps"], job, own, env | {"GITHUB_ACTION_PATH": str(folder)})
        job.outputs = {name: fill_in(one["value"], own) for name, one in data["outputs"].items()}
        return not failed
