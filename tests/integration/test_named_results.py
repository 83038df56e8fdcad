"""Every command that reads a result takes a folder with results, and the word ``latest``."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Any

import pytest
from support.api_runs import write_collection
from support.checked import Backend
from support.command import evalkit, only_folder
from support.finished import edit_json, finished, lifted

pytestmark = pytest.mark.usefixtures("blank_plots")


TIMED = {"quality": False, "latency": {"batch_sizes": [1], "calls": 12, "rounds": 6, "warmup": 1}}
RESULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ours": ("complete", {}),
    "theirs": ("complete", {}),
    "timed": ("complete", TIMED),
    "stopped": ("incomplete", {}),
}
"""Name -> status and settings of a result, the oldest first."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a working directory with a result of each name."""
    made = tmp_path_factory.mktemp("named")
    write_collection(made / "small", 40)
    for number, (name, (status, settings)) in enumerate(RESULTS.items(), start=1):
        backend = {"good": Backend(lifted(number * 0.2))}
        path = finished(made / "small", made / "results" / name, backend, **settings)
        edit_json(
            path / "manifest.json",
            lambda data, day=number, status=status: data.update(
                started=f"2026-01-0{day}T00:00:00+00:00", status=status
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


NEED_NO_SCORES = {"report", "diff"}
REFUSE_NEWER = {"gate"}
"""Commands that do not judge an old result if the last run failed."""


@pytest.mark.parametrize("named", ["latest", "results", "results/theirs"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_finds_the_newest_complete_result(folder: Path, command: str, named: str) -> None:
    """One line on stderr says which one it took; commands that need scores skip a result of latencies alone."""
    words = COMMANDS[command] if "*" in COMMANDS[command] else [*COMMANDS[command], "*"]
    done = evalkit(*(named if word == "*" else word for word in words), cwd=folder)
    if command in REFUSE_NEWER and named != "results/theirs":
        assert (done.returncode, "is not complete: results/stopped/" in done.stderr) == (3, True), done.stderr
        return
    assert done.returncode in {0, 1}, done.stderr
    found = "timed" if command in NEED_NO_SCORES and named != "results/theirs" else "theirs"
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: using results/")]
    chosen = [note.split("/")[1] for note in notes if not note.startswith("note: using results/ours/")]
    assert chosen == [found], done.stderr


def test_results_of_latencies_alone_are_skipped_by_a_leaderboard(folder: Path) -> None:
    """Also if a glob gives their own folders; a note names them. Without any other result it is an error."""
    ours, timed = (only_folder(folder / "results" / name) for name in ("ours", "timed"))
    done = evalkit("leaderboard", ours, timed, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert f"note: skipped results that contain only latencies and no scores: {timed}" in done.stderr
    assert done.stdout == evalkit("leaderboard", ours, cwd=folder).stdout
    for named in (timed, "results/timed"):
        refused = evalkit("leaderboard", named, cwd=folder)
        assert (refused.returncode, "only latencies and no scores" in refused.stderr) == (2, True)


def test_a_report_without_a_browser_names_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line on stderr; with a browser, it gets the address of the page and nothing is printed."""
    asked: list[str] = []
    page = only_folder(folder / "results" / "ours") / "report.html"
    for found in (True, False):

        def opened(url: str, found: bool = found) -> bool:
            asked.append(url)
            return found

        monkeypatch.setattr(webbrowser, "open", opened)
        done = evalkit("report", page.parent, "--open", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert (f"no browser found; open {page}" in done.stderr.splitlines()) is not found
    assert asked == [page.as_uri()] * 2


def test_the_same_result_twice_is_an_error(folder: Path) -> None:
    """For every command with two sides; exit 2."""
    for words in (["compare"], ["diff"], ["leaderboard"], ["gate", "--against"]):
        done = evalkit(words[0], "results/theirs", *words[1:], "results/theirs", cwd=folder)
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
