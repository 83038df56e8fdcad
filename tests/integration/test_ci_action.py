"""The GitHub action and the workflows, run as a runner does: their scripts with bash, against a stand-in for GitHub."""

from __future__ import annotations

import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import ROOT, evalkit
from support.github_api import NUMBER, REPOSITORY, TOKEN, GithubApi, comment, github_api
from support.github_runner import (
    ACTION_WORKFLOW,
    GATE_WORKFLOW,
    RERANK_GATE,
    RERANK_GATE_FOLDER,
    Job,
    Runner,
    load,
)
from support.stand_in import stand_in

pytestmark = [pytest.mark.usefixtures("blank_plots"), pytest.mark.long]

INPUTS = {"config": "ours.yaml", "baseline": "release-1", "rules": "gate.yaml"}
CONFIG = """\
name: ours
datasets: [demo]
retriever: {{depth: 10}}
rerankers:
  ours: {{backend: http, dialect: assisters, url: "{url}", model: m, retries: 0}}
metrics: [nDCG@10]
"""
RULES = "rules:\n  - {metric: nDCG@10, max_drop: 0.01}\n  - {max_failed: 0.0}\n"
BLANK = """\
import sys
if sys.argv[1] == "run":
    from evalkit.charts import figures
    figures.as_png_file = lambda scene: b""
from evalkit.cli.main import main
main()
"""


@dataclass
class Server:
    """A reranker that matches words; it can get worse, or break after some calls."""

    url: str = ""
    sign: int = 1
    breaks_after: int | None = None
    calls: int = 0

    def answer(self, body: Any, _headers: dict[str, str]) -> tuple[int, bytes]:
        """Score documents by the share of the query's words in them."""
        self.calls += 1
        if self.breaks_after is not None and self.calls > self.breaks_after:
            return 400, b'{"error": {"message": "out of memory"}}'
        words = set(body["query"].lower().split())
        scores = [len(words & set(text.lower().split())) / len(words) for text in body["documents"]]
        results = [{"index": i, "relevance_score": 0.5 + self.sign * s / 2} for i, s in enumerate(scores)]
        results.sort(key=lambda one: -one["relevance_score"])
        return 200, orjson.dumps({"model": body["model"], "results": results, "usage": {"total_tokens": 1}})


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    """Return the running reranker."""
    server = Server()
    with stand_in(server.answer) as server.url:
        yield server


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, shared_server: Server) -> Path:
    """Return what a user commits: experiment, rules and baseline."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "ours.yaml").write_text(CONFIG.format(url=shared_server.url), encoding="utf-8")
    (folder / "gate.yaml").write_text(RULES, encoding="utf-8")
    done = evalkit("run", "ours.yaml", "--into", "first", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert evalkit("baseline", "save", "first", "release-1", cwd=folder).returncode == 0
    shutil.rmtree(folder / "first")
    return folder


@dataclass
class Place:
    """A checkout on a runner, and the pull request."""

    runner: Runner
    api: GithubApi
    server: Server

    @property
    def bin(self) -> Path:
        """Folder of the programs that scripts start."""
        return self.runner.temp / "bin"

    def act(self, **more: str) -> Job:
        """Run the action in a fresh checkout of the pull request."""
        shutil.rmtree(self.runner.workspace / "candidate", ignore_errors=True)
        return self.runner.act(RERANK_GATE, {**INPUTS, "github-token": TOKEN, **more})

    def program(self, name: str, script: str) -> None:
        """Put a program into the place of another one."""
        (self.bin / name).write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
        (self.bin / name).chmod(0o755)

    def only_comment(self) -> str:
        """Return the text of the only comment."""
        (one,) = self.api.comments
        return str(one["body"])


@pytest.fixture
def place(tmp_path: Path, repository: Path, shared_server: Server) -> Iterator[Place]:
    """Return a checkout with working programs; pip only records what it is asked for."""
    shared_server.sign, shared_server.breaks_after, shared_server.calls = 1, None, 0
    workspace, temp = tmp_path / "a checkout", tmp_path / "temp"
    shutil.copytree(repository, workspace)
    (temp / "bin").mkdir(parents=True)
    event = temp / "event.json"
    event.write_bytes(orjson.dumps({"pull_request": {"number": NUMBER, "head": {"sha": "abcdef1234567890"}}}))
    with github_api() as api:
        env = {
            "PATH": f"{temp / 'bin'}:/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "RUNNER_TEMP": str(temp),
            "GITHUB_ACTIONS": "true", "GITHUB_API_URL": api.url, "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_PATH": str(event), "GITHUB_EVENT_NAME": "pull_request", "GITHUB_SHA": "0" * 40,
            "GITHUB_SERVER_URL": "https://github.example", "GITHUB_RUN_ID": "42",
        }  # fmt: skip
        github = {"event_name": "pull_request", "token": TOKEN, "ref": "refs/pull/7/merge"}
        runner = Runner(
            workspace, temp, env, github, {"ASSISTERS_API_KEY": "unused"}, {RERANK_GATE: RERANK_GATE_FOLDER}
        )
        made = Place(runner, api, shared_server)
        python, asked = shlex.quote(sys.executable), shlex.quote(str(temp / "pip.txt"))
        made.program("pip", f"printf '%s\\n' \"$@\" > {asked}")
        made.program(
            "python", f'if [ "$1 $2" = "-m pip" ]; then shift 2; exec pip "$@"; fi\nexec {python} "$@"'
        )
        (temp / "blank.py").write_text(BLANK, encoding="utf-8")
        made.program("evalkit", f'exec {python} {shlex.quote(str(temp / "blank.py"))} "$@"')
        yield made


def test_one_comment_follows_the_model(place: Place) -> None:
    """The same model passes with one comment; a worse one fails with exit code 1 and updates that comment."""
    job = place.act()
    assert job.exit_code == 0, job.log
    assert job.outputs == {"verdict": "PASS", "exit-code": "0"}
    assert "### evalkit: gate passed: 1 PASS, 1 IDENTICAL" in place.only_comment()
    assert "commit abcdef1234. [Log and files](https://github.example/someone/search/actions/runs/42)" in (
        place.only_comment()
    )
    assert place.runner.summary in place.only_comment()
    place.server.sign = -1
    job = place.act()
    assert job.exit_code == 1, job.log
    assert job.outputs == {"verdict": "FAIL", "exit-code": "1"}
    assert "### evalkit: gate not passed: 1 FAIL" in place.only_comment()
    assert "::error title=FAIL demo ours::" in job.log
    assert place.api.changes == [f"POST /{NUMBER}/comments", "PATCH /comments/1000"]
    (upload,) = (given for action, given in job.used if action.startswith("actions/upload-artifact"))
    assert upload["path"].splitlines() == ["candidate", "!candidate/scores.sqlite*"]
    files = {path.name for path in (place.runner.workspace / "candidate").iterdir()}
    assert {"gate.xml", "gate.md", "log.txt"} <= files


def test_a_server_that_is_down_is_no_regression(place: Place) -> None:
    """Exit code 3; comment and summary give the reason, and no verdict."""
    config = place.runner.workspace / "ours.yaml"
    config.write_text(CONFIG.format(url="http://127.0.0.1:9/v1/rerank"), encoding="utf-8")
    job = place.act()
    assert job.exit_code == 3
    assert job.outputs == {"verdict": "ERROR", "exit-code": "3"}
    for text in (place.only_comment(), place.runner.summary):
        assert "### evalkit: no verdict: `evalkit run` ended with exit code 3" in text
        assert "cannot reach http://127.0.0.1:9/v1/rerank" in text
        assert "regression" not in text.lower()
        assert "FAIL" not in text


def test_a_server_that_breaks_halfway_is_no_regression(place: Place) -> None:
    """A result without all scores is not compared, and exit code 3 says so."""
    place.server.breaks_after = 40
    job = place.act()
    assert job.exit_code == 3, job.log
    assert job.outputs == {"verdict": "ERROR", "exit-code": "3"}
    assert "no verdict" in place.only_comment()
    assert "regression" not in place.only_comment().lower()
    assert "returned 400: out of memory" in place.only_comment()


def test_a_result_that_is_not_comparable_is_no_regression(place: Place) -> None:
    """Other candidates than the baseline's: INVALID, exit code 3, from the gate itself."""
    config = place.runner.workspace / "ours.yaml"
    text = config.read_text(encoding="utf-8").replace("depth: 10", "depth: 5")
    config.write_text(text, encoding="utf-8")
    job = place.act()
    assert job.exit_code == 3, job.log
    assert job.outputs == {"verdict": "INVALID", "exit-code": "3"}
    assert "### evalkit: gate invalid: 1 INVALID" in place.only_comment()


def test_inputs_are_never_code(place: Place) -> None:
    """Quotes, substitutions, line ends and spaces in every input are part of names, and the gate works with them."""
    hostile = "\"; touch hacked; $(touch hacked) `touch hacked` ' & touch hacked\n touch hacked"
    workspace = place.runner.workspace
    names = {name: f"{name} {hostile}" for name in ("config", "baseline", "rules", "into")}
    (workspace / "ours.yaml").rename(workspace / names["config"])
    (workspace / "gate.yaml").rename(workspace / names["rules"])
    (workspace / "results" / "baselines" / "release-1").rename(workspace / names["baseline"])
    job = place.act(**names, evalkit=f"rerank-evalkit {hostile}")
    assert job.outputs == {"verdict": "PASS", "exit-code": "0"}, job.log
    assert "\n".join(pip_words(place)).endswith(f"\n--\nrerank-evalkit {hostile}")
    assert not list(place.runner.temp.parent.rglob("hacked"))
    assert "`config \"; touch hacked; $(touch hacked) 'touch hacked' ' & touch hacked touch hacked`" in (
        place.only_comment()
    )


@pytest.mark.parametrize("name", ["config", "baseline", "rules"])
def test_an_input_is_no_option(place: Place, name: str) -> None:
    """A value that begins with a dash names a file or folder that does not exist: wrong input, exit code 2."""
    job = place.act(**{name: "--help"})
    assert job.outputs == {"verdict": "ERROR", "exit-code": "2"}, job.log
    command = "run" if name == "config" else "gate"
    assert f"no verdict: `evalkit {command}` ended with exit code 2" in place.only_comment()


def pip_words(place: Place) -> list[str]:
    """Return the last arguments of pip, by lines."""
    return (place.runner.temp / "pip.txt").read_text(encoding="utf-8").splitlines()


def test_evalkit_comes_from_the_commit_of_the_action(place: Place) -> None:
    """Without `evalkit`, pip installs the root of the repository that has the action; that is evalkit's."""
    place.program("evalkit", "exit 3")
    place.act()
    *_, separator, installed = pip_words(place)
    assert (separator, installed) == ("--", f"{ROOT}[server]")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "rerank-evalkit"
    assert "server" in project["optional-dependencies"]


def test_a_failed_installation_is_no_regression(place: Place) -> None:
    """Exit code 1 of pip becomes 3, and the comment says that nothing started."""
    place.program("pip", "exit 1")
    job = place.act()
    assert (job.exit_code, job.outputs) == (3, {"verdict": "ERROR", "exit-code": "3"})
    assert "no verdict: the experiment did not start" in place.only_comment()


@pytest.mark.parametrize("broken", ["run", "gate"])
def test_an_evalkit_that_cannot_start_is_no_regression(place: Place, broken: str) -> None:
    """Python's exit code 1 for a failed import is not that of a gate."""
    place.program("evalkit", f'[ "$1" != {broken} ] || exit 1')
    job = place.act()
    assert (job.exit_code, job.outputs) == (70, {"verdict": "ERROR", "exit-code": "70"})
    assert f"no verdict: `evalkit {broken}` ended with exit code 70" in place.only_comment()


def test_a_used_folder_is_refused(place: Place) -> None:
    """Wrong input, exit code 2; nothing is scored, and the files of an earlier gate are no verdict."""
    used = place.runner.workspace / "used"
    used.mkdir()
    (used / "gate.md").write_text("### evalkit: gate passed", encoding="utf-8")
    (used / "gate.xml").write_text("<testsuite/>", encoding="utf-8")
    job = place.act(into="used")
    assert (job.exit_code, job.outputs) == (2, {"verdict": "ERROR", "exit-code": "2"})
    assert place.server.calls == 0
    assert "gate passed" not in place.only_comment()
    assert not [action for action, _ in job.used if action.startswith("actions/upload-artifact")]


def test_only_pull_requests_have_comments(place: Place) -> None:
    """Other events and `comment: false` write the summary alone."""
    place.program("evalkit", "exit 3")
    place.act(comment="false")
    assert "no verdict" in place.runner.summary
    place.runner.github = {**place.runner.github, "event_name": "pull_request_target"}
    place.act()
    place.runner.github = {**place.runner.github, "event_name": "push"}
    (place.runner.temp / "event.json").write_text("{}", encoding="utf-8")
    place.act()
    assert f"commit {'0' * 10}." in place.runner.summary
    assert place.api.comments == place.api.changes == []


@pytest.mark.parametrize(("token", "read_only"), [(TOKEN, True), ("wrong", False)])
def test_a_comment_that_cannot_be_written_is_a_warning(place: Place, token: str, read_only: bool) -> None:
    """The exit code remains that of the gate, and the warning names the permission."""
    place.program("evalkit", "exit 3")
    place.api.read_only = read_only
    job = place.act(**{"github-token": token})
    assert job.exit_code == 3
    assert "::warning title=rerank gate::The comment was not written: HTTP Error 40" in job.log
    assert "pull-requests: write" in job.log


def test_the_earlier_comment_is_found_among_many(place: Place) -> None:
    """On any page; another gate's comment, a stranger's copy and a deleted account's are not replaced."""
    place.program("evalkit", "exit 3")
    place.act()
    marker = place.only_comment().partition("\n")[0]
    ours = place.api.comments.pop()
    gone: dict[str, Any] = {**comment(1, f"{marker}\ngone"), "user": None}
    copied = comment(2, f"{marker}\npassed", "User", "CONTRIBUTOR")
    others = [comment(number, "hello") for number in range(3, 240)]
    place.api.comments[:] = [gone, copied, *others, ours]
    place.act()
    assert place.api.changes[1:] == [f"PATCH /comments/{ours['id']}"]
    place.act(baseline="release-2")
    assert place.api.changes[2:] == [f"POST /{NUMBER}/comments"]
    assert copied["body"].endswith("passed")


def test_a_long_summary_fits_into_a_comment(place: Place) -> None:
    """GitHub refuses more than 65,536 characters: whole lines are kept, and the exit code is the gate's."""
    place.program(
        "evalkit",
        '[ "$1" != run ] || exit 0\n'
        'for _ in {1..5000}; do echo "| PASS | one of very many rules |"; done > candidate/gate.md\n'
        "echo '<s><testcase><failure message=\"FAIL: x\"/></testcase></s>' > candidate/gate.xml\nexit 1",
    )
    job = place.act()
    assert (job.exit_code, job.outputs["verdict"]) == (1, "FAIL")
    assert 55_000 < len(place.only_comment()) < 65_536
    assert "rules |\n\nShortened." in place.only_comment()


@pytest.mark.parametrize("workflow", [GATE_WORKFLOW, ACTION_WORKFLOW], ids=lambda path: path.name)
def test_the_workflows_gate_a_model(place: Place, workflow: Path) -> None:
    """As copied: the same model passes, and a worse one ends with exit code 1; the job summary has the verdict."""
    job = place.runner.run(workflow)
    assert job.exit_code == 0, job.log
    assert "### evalkit: gate passed" in place.runner.summary
    shutil.rmtree(place.runner.workspace / "candidate")
    place.server.sign = -1
    job = place.runner.run(workflow)
    assert job.exit_code == 1, job.log
    assert "### evalkit: gate not passed: 1 FAIL" in place.runner.summary
    (upload,) = (given for action, given in job.used if action.startswith("actions/upload-artifact"))
    assert (place.runner.workspace / upload["path"].splitlines()[0] / "gate.xml").is_file()
    for name in load(workflow).get("env", {}):
        assert "git+https://github.com/OWNER/REPO@REF" in " ".join(pip_words(place)), name
