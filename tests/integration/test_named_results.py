"""Every command that reads a result takes a folder with results, and the word ``latest``."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.api_runs import write_collection
from support.checked import Backend
from support.command import evalkit
from support.finished import edit_json, finished, lifted

pytestmark = pytest.mark.usefixtures("blank_plots")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a working directory with a complete result of each of two names, and a newer incomplete one."""
    made = tmp_path_factory.mktemp("named")
    write_collection(made / "small", 40)
    for number, name in enumerate(("ours", "theirs", "stopped"), start=1):
        path = finished(made / "small", made / "results" / name, {"good": Backend(lifted(number * 0.2))})
        edit_json(
            path / "manifest.json",
            lambda data, day=number: data.update(
                started=f"2026-01-0{day}T00:00:00+00:00", status="complete" if day < 3 else "incomplete"
            ),
        )
    return made


COMMANDS = {
    "report": ["report"],
    "compare": ["compare"],
    "leaderboard": ["leaderboard"],
    "tune depth": ["tune", "depth"],
    "tune threshold": ["tune", "threshold"],
    "tune calibration": ["tune", "calibration"],
    "tune search": ["tune", "search"],
    "baseline": ["baseline", "save", "*", "main"],
    "diff": ["diff", "*", "results/ours"],
    "compare two": ["compare", "results/ours", "*"],
    "gate": ["gate", "*", "--against", "results/ours"],
    "gate against": ["gate", "results/ours", "--against", "*", "--json"],
}


@pytest.mark.parametrize("named", ["latest", "results", "results/theirs"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_finds_the_newest_complete_result(folder: Path, command: str, named: str) -> None:
    """One line on stderr says which one it took."""
    words = COMMANDS[command] if "*" in COMMANDS[command] else [*COMMANDS[command], "*"]
    done = evalkit(*(named if word == "*" else word for word in words), cwd=folder)
    assert done.returncode in {0, 1}, done.stderr
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: using results/theirs/")]
    assert len(notes) == 1, done.stderr


def test_the_same_result_twice_is_an_error(folder: Path) -> None:
    """For every command with two sides; exit 2."""
    for words in (["compare"], ["diff"], ["leaderboard"], ["gate", "--against"]):
        done = evalkit(words[0], "latest", *words[1:], "results", cwd=folder)
        assert (done.returncode, "are the same result" in done.stderr) == (2, True), done.stderr


def test_incomplete_results_are_listed_or_taken_when_allowed(folder: Path) -> None:
    """Exit 3 names them; `--allow-incomplete` takes the newest."""
    refused = evalkit("compare", "results/stopped", cwd=folder)
    assert refused.returncode == 3
    assert "contains no complete result: results/stopped/" in refused.stderr
    assert "(incomplete)" in refused.stderr
    for command in ("compare", "leaderboard", "report"):
        taken = evalkit(command, "latest", "--allow-incomplete", cwd=folder)
        assert taken.returncode == 0, taken.stderr
        assert "note: using results/stopped/" in taken.stderr
