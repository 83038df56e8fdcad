"""Nothing is lost and nothing is paid twice: the score store, and runs that are killed."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.api_runs import CONCURRENCY, Counting, run, scores, visible, write_collection, write_config
from support.command import evalkit, only_folder
from support.stand_in import stand_in

from evalkit.latency.workloads import MOST_WARMUP

KILLS = int(os.environ.get("EVALKIT_KILLS", "6"))
QUERIES = 300


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a collection of eight queries."""
    return write_collection(tmp_path / "small", 8)


def derived(folder: Path) -> dict[str, bytes]:
    """Return every derived file, without what no two runs share: names, times, opened connections."""
    files: dict[str, bytes] = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if name.startswith(("runs/", "plots/", "qrels/")) or name == "values.parquet":
            files[name] = file.read_bytes() if file.is_file() else b""
    summary = orjson.loads((folder / "summary.json").read_bytes())
    for row in summary["calls"]:
        row.pop("connections_reused")
    summary.pop("server_times")
    files["summary.json"] = orjson.dumps(summary)
    page = (folder / "report.md").read_text(encoding="utf-8")
    files["report.md"] = page.partition("## Calls")[0].encode()
    return files


def killed(config: Path, results: Path, after_s: float) -> bool:
    """Start a run and kill it after a while; return whether it was still under way."""
    process = subprocess.Popen(
        [sys.executable, "-m", "evalkit", "run", config, "--into", results],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ),
    )  # fmt: skip
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def test_a_run_that_is_killed_again_and_again_ends_like_one_that_was_not(tmp_path: Path) -> None:
    """Scores and derived files are equal, no committed pair is asked again, and at most the calls in flight twice."""
    folder = write_collection(tmp_path / "many", QUERIES)
    server = Counting(0.012 * KILLS)  # long enough to be killed that often
    rng = random.Random(4)  # noqa: S311 - instants, not secrets
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", folder, url)
        run(config, tmp_path / "whole")
        assert set(server.pairs.values()) == {1}
        server.pairs.clear()
        kills = 0
        while kills < KILLS and killed(config, tmp_path / "killed", rng.uniform(0.3, 2.5)):
            kills += 1
        run(config, tmp_path / "killed")
    repeated = {pair: count - 1 for pair, count in server.pairs.items() if count > 1}
    requests = sum(repeated.values()) / 6
    sys.stdout.write(f"kills {kills}, pairs {len(server.pairs)}, requests repeated {requests:g}\n")
    # A run that was killed after its last file is finished; the next one begins anew, and asks nothing.
    finished, *later = visible(tmp_path / "killed")
    whole = only_folder(tmp_path / "whole")
    assert all(pd.read_parquet(folder / "calls.parquet").empty for folder in later)
    assert len(server.pairs) == QUERIES * 6
    assert kills == KILLS
    assert requests <= kills * CONCURRENCY
    assert scores(finished).equals(scores(whole))
    assert derived(finished) == derived(whole)
    manifest = orjson.loads((finished / "manifest.json").read_bytes())
    assert manifest["status"] == "complete"


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
        assert "24 scores of api were not asked for but found in the score store" in said
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
    [(", timeout_s: 7", True), (", batch_size: 2", True), (", retries: 1", True),
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
        for depths, calls in (("[3]", 9), ("[3]", 9), ("[3, 6]", 18)):
            run(config, tmp_path / "results", "--set", f"depths={depths}")
            assert server.calls == calls


def test_failed_queries_are_asked_again_and_only_they(tmp_path: Path, small: Path) -> None:
    """After the cause is mended the same command completes the same folder, with the calls that are missing."""
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
    assert "is finished" in refused.stderr


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
    assert "is finished" in mixed.stderr


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


def test_timed_calls_are_taken_up_between_two_blocks(tmp_path: Path) -> None:
    """A run killed while it times repeats the block it was in and the warm-up; no other call is timed twice."""
    server = Counting(0.02)  # steady enough for a warm-up of a few calls
    process: subprocess.Popen[bytes] | None = None
    rest = "latency: {batch_sizes: [2, 3], calls: 12, rounds: 6, warmup: 2}\n"

    def answer(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        if process is not None and server.calls == 38:
            process.kill()
            process.wait()
        return server(body, headers)

    with stand_in(answer) as url:
        config = write_config(tmp_path / "c.yaml", write_collection(tmp_path / "more", 14), url, rest=rest)
        command = [sys.executable, "-m", "evalkit", "run", config, "--into", tmp_path / "results"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert process.wait(120) == -signal.SIGKILL
        process = None
        run(config, tmp_path / "results")
    folder = only_folder(tmp_path / "results")
    calls = pd.read_parquet(folder / "calls.parquet")
    timed = calls[calls["pass"] == "latency"]
    assert len(timed) == len(timed.drop_duplicates(["query_id", "batch_size"])) == 24
    assert set(timed["round"].value_counts()) == {4}
    assert orjson.loads((folder / "manifest.json").read_bytes())["status"] == "complete"
    # Every call that was made is on record, but those of the block that was under way: two timed ones, or a
    # warm-up where the machine was so unsteady that it was still going on.
    assert 0 <= server.calls - len(calls) <= MOST_WARMUP + 1


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
    """A damaged store is told at once, before anything is asked: nothing is recomputed in silence."""
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


def test_a_store_without_space_is_told_and_keeps_what_was_measured(tmp_path: Path, small: Path) -> None:
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


@pytest.mark.parametrize(
    "name", ["scores.part", "calls.part", "manifest.part", "log.jsonl", "failures.jsonl", "summary.json"]
)
def test_a_full_disk_is_told_and_keeps_what_was_measured(tmp_path: Path, small: Path, name: str) -> None:
    """Whichever file of the result folder has no space: one line, exit 3, and nothing is asked for again."""
    server = Refusing("topic5")
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        assert evalkit("run", config, "--into", tmp_path / "results").returncode == 3
        folder = only_folder(tmp_path / "results")
        file = folder / name
        file.unlink(missing_ok=True)
        file.symlink_to("/dev/full")
        server.refused.clear()
        full = evalkit("run", config, "--into", tmp_path / "results")
        assert full.returncode == 3
        assert "No space left on device" in full.stderr
        assert len([line for line in full.stderr.splitlines() if line.startswith("error: ")]) == 1
        assert "Traceback" not in full.stderr
        file.unlink(missing_ok=True)
        run(config, tmp_path / "results")
    assert only_folder(tmp_path / "results") == folder
    assert set(server.pairs.values()) == {1}
    assert orjson.loads((folder / "manifest.json").read_bytes())["status"] == "complete"


def test_two_processes_on_one_store_pay_once(tmp_path: Path, small: Path) -> None:
    """Two runs at once that share a store: the second waits, and finds every pair known."""
    server = Counting(0.05)
    with stand_in(server) as url:
        rest = f"store: {{path: {tmp_path / 'shared.sqlite'}}}\n"
        config = write_config(tmp_path / "c.yaml", small, url, rest=rest)
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "evalkit", "run", config, "--into", tmp_path / f"results-{number}"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ),
            )
            for number in range(2)
        ]  # fmt: skip
        assert [process.wait(120) for process in processes] == [0, 0]
    assert set(server.pairs.values()) == {1}
    first, second = (scores(only_folder(tmp_path / f"results-{number}")) for number in range(2))
    assert first.equals(second)
