"""Every command in a process of its own, and children that can be interrupted however the tests were started."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ROOT, evalkit, evalkit_process, only_folder, start_evalkit
from support.stand_in import by_length, stand_in

from evalkit.cli.main import COMMANDS

CONFIG = """\
name: small
datasets: [{source: demo, sample: {queries: 40, seed: 1}}]
retriever: {depth: 5}
rerankers: {lexical: {backend: lexical}}
latency: {batch_sizes: [1], calls: 5}
"""
WORDS: dict[str, list[str]] = {
    "init": ["init", "first.yaml"],
    "run": ["run", "c.yaml", "--into", "again"],
    "bench": ["bench", "c.yaml", "--into", "times"],
    "evaluate": ["evaluate", "q.qrels", "r.run"],
    "compare": ["compare", "result"],
    "diff": ["diff", "result", "result"],
    "gate": ["gate", "result", "--against", "result"],
    "baseline": ["baseline", "save", "result", "release-1"],
    "leaderboard": ["leaderboard", "result"],
    "aa": ["aa", "c.yaml", "--reranker", "lexical", "--into", "itself"],
    "tune": ["tune", "depth", "result"],
    "report": ["report", "result"],
    "store": ["store", "size", "results"],
    "config": ["config", "check", "c.yaml"],
    "dataset": ["dataset", "check", "demo"],
    "plugin": ["plugin", "list"],
}
ELSEWHERE = {"probe", "serve", "judge", "queries"}
QUICK = {"run", "gate", "config"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a folder with a configuration and its result."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "c.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "q.qrels").write_text("q1 0 a 1\nq1 0 b 0\n", encoding="utf-8")
    (folder / "r.run").write_text("q1 Q0 b 1 2.0 sys\nq1 Q0 a 2 1.0 sys\n", encoding="utf-8")
    done = evalkit("run", "c.yaml", "--into", "results", cwd=folder)
    assert done.returncode == 0, done.stderr
    only_folder(folder / "results").rename(folder / "result")
    return folder


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.long) for n in sorted(WORDS)]
)
def test_a_command_works_in_a_process_of_its_own(place: Path, name: str) -> None:
    """Exit code 0, something on stdout, and neither a traceback nor a warning of Python on stderr."""
    done = evalkit_process(*WORDS[name], cwd=place)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert "Traceback" not in done.stderr
    assert "Warning:" not in done.stderr


@pytest.mark.long
def test_a_probe_works_in_a_process_of_its_own(place: Path) -> None:
    """A server that keeps no promise about keys and models is exit 3."""
    with stand_in(by_length) as url:
        api = CONFIG.replace("lexical: {backend: lexical}", f"api: {{backend: http, url: '{url}', model: m}}")
        (place / "probed.yaml").write_text(api, encoding="utf-8")
        done = evalkit_process("probe", "probed.yaml", "--reranker", "api", cwd=place)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr


def test_every_command_is_tried() -> None:
    """Each is in the list above, or has a test of its own: test_serve.py, test_judge_run.py, test_query_sampling.py."""
    assert set(WORDS) | ELSEWHERE == set(COMMANDS)


def test_the_runner_in_this_process_prints_what_a_process_prints(place: Path) -> None:
    """Same output, same errors, same exit codes, but for the name under which the program was started.

    Click wraps help at the width of the terminal, which only this process may have.
    """
    wide = {"COLUMNS": "100"}
    for words in (["config", "show", "c.yaml"], ["run", "nowhere.yaml"], ["rnu"], ["tune"], ["--version"]):
        here, there = (call(*words, cwd=place, env=wide) for call in (evalkit, evalkit_process))
        assert (here.returncode, here.stdout) == (there.returncode, there.stdout)
        assert here.stderr == there.stderr.replace("python -m evalkit", "evalkit")


def test_a_child_can_be_interrupted_where_this_process_cannot() -> None:
    """A program that is started with SIGINT ignored gives its children the default back."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = start_evalkit("serve", "--backend", "lexical", "--port", "0")
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode is not None


@pytest.mark.long
def test_the_tests_pass_from_a_background_shell() -> None:
    """``make test &`` in a script starts pytest with SIGINT ignored: a test that interrupts a run still passes."""
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
        "tests/integration/test_command_line.py", "-k", "interrupted",
    ]  # fmt: skip
    background = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]
    done = subprocess.run(background, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


LEAVE = """
import atexit, sys, types
from evalkit.cli.main import main
atexit.register(print, "the interpreter shut down")
if sys.argv.pop(1) == "hub":
    sys.modules["datasets"] = types.ModuleType("datasets")
main()
"""


@pytest.mark.parametrize(("source", "shuts_down"), [("hub", False), ("files", True)])
@pytest.mark.parametrize(("argument", "code"), [("--version", 0), ("no-such-command", 2)])
def test_a_command_that_read_the_hub_leaves_without_a_shutdown(
    source: str, shuts_down: bool, argument: str, code: int
) -> None:
    """Threads that `datasets` leaves behind can abort a shutdown; code and output are those of any command."""
    done = subprocess.run(
        [sys.executable, "-c", LEAVE, source, argument],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code
    assert ("version" in done.stdout) is (code == 0)
    assert ("no-such-command" in done.stderr) is (code == 2)
    assert ("the interpreter shut down" in done.stdout) is shuts_down
