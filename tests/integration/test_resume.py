"""Nothing is lost and nothing is paid twice: the score store, and runs that did not end well."""

from __future__ import annotations

import errno
import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import orjson
import pytest
from support.api_runs import Counting, run, scores, visible, write_collection, write_config
from support.command import evalkit, only_folder, start_evalkit
from support.stand_in import stand_in

pytestmark = pytest.mark.usefixtures("blank_plots")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a collection of eight queries."""
    return write_collection(tmp_path / "small", 8)


def test_a_second_run_makes_no_call(tmp_path: Path, small: Path) -> None:
    """The same configuration again asks nothing; a deeper pass, another metric or dataset only what is new."""
    server = Counting()
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        run(config, tmp_path / "results", "--set", "depths=[3]")
        first = server.calls
        planned = evalkit(
            "run", config, "--plan", "--json", "--into", tmp_path / "results", "--set", "depths=[3]"
        )
        assert [row["known"] for row in orjson.loads(planned.stdout)] == [24]
        said = run(config, tmp_path / "results", "--set", "depths=[3]")
        assert server.calls == first
        assert "reused 24 cached scores for api (oldest: " in said
        run(config, tmp_path / "results", "--set", "depths=[3]", "--set", 'metrics=["R@3"]')
        assert server.calls == first
        run(config, tmp_path / "results")
        assert set(server.pairs.values()) == {1}
        assert len(server.pairs) == 48
        once = server.calls
        run(config, tmp_path / "results", "--refresh")
        assert server.calls > once
    *_, before, again = visible(tmp_path / "results")
    assert scores(again).drop(columns="list_rank").equals(scores(before).drop(columns="list_rank"))


@pytest.mark.parametrize(
    ("change", "reused"),
    [(", timeout_s: 7", True), (", batch_size: 2", True), pytest.param(", retries: 1", True, marks=pytest.mark.long),
     (", price: {usd_per_million_tokens: 1, as_of: 2026-11-22}", True), (", api_key_env: TEST_RESUME_KEY", True),
     (", options: {instruction: other}", False), (", headers: {X-Project: p}", False), (", dialect: cohere_v1", False)],
)  # fmt: skip
def test_stored_scores_hold_for_the_settings_that_made_them(
    tmp_path: Path, small: Path, change: str, reused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting that can change a score makes all of them unknown; one that cannot, none."""
    monkeypatch.setenv("TEST_RESUME_KEY", "s3cret-key")
    server = Counting()
    with stand_in(server) as url:
        run(write_config(tmp_path / "c.yaml", small, url), tmp_path / "results")
        run(write_config(tmp_path / "c.yaml", small, url, change), tmp_path / "results")
    assert set(server.pairs.values()) == ({1} if reused else {2})


def test_a_reranker_that_looks_at_the_list_is_known_by_its_list(tmp_path: Path, small: Path) -> None:
    """Scores of a list hold for that list alone: another depth asks again, the same list does not."""
    server = Counting()
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url, ", pointwise: false")
        for depths, calls in (("[3]", 3 + 8), ("[3]", 3 + 8), ("[3, 6]", 2 * (3 + 8))):
            run(config, tmp_path / "results", "--set", f"depths={depths}")
            assert server.calls == calls


def test_what_is_suggested_after_failures_resumes_the_run(tmp_path: Path, small: Path) -> None:
    """Both the repeated command, with its --refresh and its quotes, and --resume FOLDER without --into."""
    server = Counting()
    broken = {"topic5", "topic6"}

    def answer(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        if body["query"] in broken and len(body["documents"]) > 1:
            return 400, b'{"error": {"message": "no"}}'
        return server(body, headers)

    with stand_in(answer) as url:
        config = write_config(tmp_path / "my config.yaml", small, url)
        assert evalkit("run", config, "--into", tmp_path / "my results", "--refresh").returncode == 3
        folder = only_folder(tmp_path / "my results")
        shown = evalkit("report", folder, "--allow-incomplete")
        assert "api has no scores of 2 of 8 queries" in " ".join(shown.stderr.split())
        (command,) = [
            line.strip() for line in shown.stdout.splitlines() if line.strip().startswith("evalkit run")
        ]
        program, *words = shlex.split(command)
        assert (program, words) == (
            "evalkit", ["run", str(config), "--into", str(tmp_path / "my results"), "--refresh"],
        )  # fmt: skip
        broken.discard("topic5")
        assert evalkit(*words).returncode == 3
        broken.clear()
        done = evalkit("run", config, "--refresh", "--resume", folder, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert only_folder(tmp_path / "my results") == folder
    assert set(server.pairs.values()) == {1}


def test_failed_queries_are_asked_again_and_only_they(tmp_path: Path, small: Path) -> None:
    """After the cause is fixed the same command completes the same folder, with the calls that are missing."""
    server = Counting()
    broken = {"topic5"}

    def answer(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        if body["query"] in broken and len(body["documents"]) > 1:
            return 400, b'{"error": {"message": "no"}}'
        return server(body, headers)

    with stand_in(answer) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        failed = evalkit("run", config, "--into", tmp_path / "results")
        assert failed.returncode == 3
        folder = only_folder(tmp_path / "results")
        broken.clear()
        run(config, tmp_path / "results", "--resume", str(folder))
        refused = evalkit("run", config, "--into", tmp_path / "results", "--resume", folder)
    assert only_folder(tmp_path / "results") == folder
    assert set(server.pairs.values()) == {1}
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    assert (manifest["status"], manifest["resumed"]) == ("complete", 1)
    assert refused.returncode == 2
    assert "is complete" in refused.stderr


class Refusing(Counting):
    """A server that refuses queries with two documents or more while they are on its list."""

    def __init__(self, *queries: str) -> None:
        super().__init__()
        self.refused = set(queries)

    def __call__(self, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        """Refuse, or answer."""
        if body["query"] in self.refused and len(body["documents"]) > 1:
            return 400, b'{"error": {"message": "no"}}'
        return super().__call__(body, headers)


def test_asking_again_is_taken_up_as_asking_again(tmp_path: Path, small: Path) -> None:
    """A refresh that stopped asks for what it had not asked yet, old scores or not, and nothing twice."""
    server = Refusing()
    results = tmp_path / "results"
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        run(config, results)
        server.refused = {"topic5"}
        assert evalkit("run", config, "--into", results, "--refresh").returncode == 3
        first, refreshing = visible(results)
        server.refused = set()
        run(config, results)  # everything is known, in a folder of its own
        assert len(visible(results)) == 3
        mixed = evalkit("run", config, "--into", results, "--refresh", "--resume", first)
        planned = evalkit("run", config, "--into", results, "--plan", "--json", "--resume", refreshing)
        assert [row["pairs"] for row in orjson.loads(planned.stdout)] == [6]
        run(config, results, "--refresh")
    assert len(visible(results)) == 3
    assert set(server.pairs.values()) == {2}
    manifest = orjson.loads((refreshing / "manifest.json").read_bytes())
    assert (manifest["status"], manifest["refresh"]) == ("complete", True)
    (pairs,) = manifest["pairs"]
    assert (pairs["asked"], pairs["scored"], pairs["resumed"], pairs["reused"], pairs["failed"]) == (
        48,
        48,
        42,
        0,
        0,
    )
    assert mixed.returncode == 2
    assert "is complete" in mixed.stderr


def test_the_budget_counts_what_earlier_sessions_spent(tmp_path: Path, small: Path) -> None:
    """A run that stopped at its budget and is taken up does not begin to spend anew."""
    server = Counting()
    more = ", price: {usd_per_thousand_requests: 10, as_of: 2026-11-22}"
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url, more, "budget: {usd: 0.045}\n")
        for _ in range(3):
            assert evalkit("run", config, "--into", tmp_path / "results").returncode == 3
    assert server.calls == 4
    manifest = orjson.loads((only_folder(tmp_path / "results") / "manifest.json").read_bytes())
    assert manifest["spent_usd"] == pytest.approx(0.04)


@contextmanager
def spoiled(path: Path, how: str) -> Iterator[None]:
    """Spoil a store."""
    if how == "corrupt":
        path.write_bytes(b"SQLite format 3\x00" + b"rubbish" * 500)
    elif how == "not a database":
        path.write_text("scores", encoding="utf-8")
    elif how == "a later schema":
        with sqlite3.connect(path) as base:
            base.execute("UPDATE about SET value = '99'")
        base.close()
    yield


@pytest.mark.parametrize("how", ["corrupt", "not a database", "a later schema"])
def test_a_store_that_cannot_be_used_is_one_clear_error(tmp_path: Path, small: Path, how: str) -> None:
    """A damaged store is reported at once, before anything is asked: nothing is recomputed in silence."""
    server = Counting()
    with stand_in(server) as url:
        config = write_config(
            tmp_path / "c.yaml", small, url, rest=f"store: {{path: {tmp_path / 'mine.sqlite'}}}\n"
        )
        run(config, tmp_path / "results")
        before = server.calls
        with spoiled(tmp_path / "mine.sqlite", how):
            done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 3
    assert "mine.sqlite" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert server.calls == before


def test_a_store_without_space_is_reported_and_keeps_what_was_measured(tmp_path: Path, small: Path) -> None:
    """When the store cannot grow the run stops at once, exit 3, with what it had; later it takes up from there."""
    server = Counting()
    store = tmp_path / "full.sqlite"
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url, "",
                              rest=f"store: {{path: {store}}}\n")  # fmt: skip
        limited = (
            "import resource, sys, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (49152, -1));"
            "from evalkit.cli.main import main; sys.argv[0] = 'evalkit'; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", limited, "run", config, "--into", tmp_path / "results"],
            capture_output=True, text=True, check=False, timeout=120, env=dict(os.environ),
        )  # fmt: skip
        assert done.returncode == 3, done.stderr
        assert "full.sqlite" in done.stderr
        run(config, tmp_path / "results")
    assert max(server.pairs.values()) <= 2


@contextmanager
def no_space_for(name: str) -> Iterator[None]:
    """Have the disk be full whenever a file of this name takes its place."""
    replace = Path.replace

    def full(path: Path, target: Path) -> Path:
        """Replace a file, unless it has the name."""
        if target.name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        return replace(path, target)

    with mock.patch.object(Path, "replace", full):
        yield


@pytest.mark.parametrize(
    "name",
    ["scores.parquet", "manifest.json", "summary.json",
     *(pytest.param(name, marks=pytest.mark.long) for name in ("calls.parquet", "failures.jsonl"))],
)  # fmt: skip
def test_a_full_disk_is_reported_and_keeps_what_was_measured(tmp_path: Path, small: Path, name: str) -> None:
    """Whichever file of the result folder has no space: one line, exit 3, and nothing is asked for again."""
    server = Refusing("topic5")
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        assert evalkit("run", config, "--into", tmp_path / "results").returncode == 3
        folder = only_folder(tmp_path / "results")
        server.refused.clear()
        with no_space_for(name):
            full = evalkit("run", config, "--into", tmp_path / "results")
        assert full.returncode == 3
        assert "No space left on device" in full.stderr
        assert len([line for line in full.stderr.splitlines() if line.startswith("error: ")]) == 1
        assert "Traceback" not in full.stderr
        run(config, tmp_path / "results")
    assert only_folder(tmp_path / "results") == folder
    assert set(server.pairs.values()) == {1}
    assert orjson.loads((folder / "manifest.json").read_bytes())["status"] == "complete"


@pytest.mark.long
def test_two_processes_on_one_store_pay_once(tmp_path: Path, small: Path) -> None:
    """Two runs at once that share a store: the second waits, and finds every pair known."""
    server = Counting(0.05)
    with stand_in(server) as url:
        rest = f"store: {{path: {tmp_path / 'shared.sqlite'}}}\n"
        config = write_config(tmp_path / "c.yaml", small, url, rest=rest)
        parents = [tmp_path / f"results-{number}" for number in range(2)]
        processes = [start_evalkit("run", config, "--into", parent) for parent in parents]
        ended = [process.communicate(timeout=120) for process in processes]
        assert [process.returncode for process in processes] == [0, 0], ended
    assert set(server.pairs.values()) == {1}
    first, second = (scores(only_folder(parent)) for parent in parents)
    assert first.equals(second)
