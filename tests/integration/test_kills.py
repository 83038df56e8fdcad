"""Runs that are killed, once or again and again, end like runs that were not, and pay for nothing twice."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.api_runs import CONCURRENCY, Counting, run, scores, visible, write_collection, write_config
from support.command import only_folder, start_evalkit
from support.stand_in import stand_in

from evalkit.latency.workloads import MOST_WARMUP

KILLS = int(os.environ.get("EVALKIT_KILLS", "6"))
QUERIES = 300
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def derived(folder: Path) -> dict[str, bytes]:
    """Return every derived file, without what no two runs share: names, times, folders, opened connections."""
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
    of_this_run = re.compile(r"\d+ \w+ 20\d\d, \d\d:\d\d UTC|`evalkit [^`]*`|20\d\d-\d\d-\d\dT\w+-\w+")
    compared = page.partition("## Data and calls")[0].replace(str(folder.parent), "results")
    files["report.md"] = of_this_run.sub("", compared).encode()
    return files


def killed(config: Path, results: Path, after_s: float) -> bool:
    """Start a run and kill it after a while; return whether it was still under way."""
    process = start_evalkit("run", config, "--into", results, **SILENT)
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


@pytest.mark.long
@pytest.mark.parametrize("wanted", [1, KILLS])
def test_a_run_that_is_killed_ends_like_one_that_was_not(tmp_path: Path, wanted: int) -> None:
    """Scores and derived files are equal, no committed pair is asked again, and at most the calls in flight twice."""
    folder = write_collection(tmp_path / "many", QUERIES)
    server = Counting(0.01 + 0.018 * wanted)  # long enough to be killed that often
    rng = random.Random(4)  # noqa: S311 - instants, not secrets
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", folder, url)
        run(config, tmp_path / "whole")
        assert set(server.pairs.values()) == {1}
        server.pairs.clear()
        kills = 0
        while kills < wanted and killed(config, tmp_path / "killed", rng.uniform(0.3, 2.5)):
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
    assert kills == wanted
    assert requests <= kills * CONCURRENCY
    assert scores(finished).equals(scores(whole))
    assert derived(finished) == derived(whole)
    manifest = orjson.loads((finished / "manifest.json").read_bytes())
    assert manifest["status"] == "complete"


@pytest.mark.long
def test_timed_calls_are_taken_up_between_two_blocks(tmp_path: Path) -> None:
    """A run killed while it times repeats the block it was in and the warm-up; no other call is timed twice."""
    server = Counting(0.02)  # steady enough for a warm-up of a few calls
    process: subprocess.Popen[str] | None = None
    rest = "latency: {batch_sizes: [2, 3], calls: 12, rounds: 6, warmup: 2}\n"

    def answer(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        if process is not None and server.calls == 42:
            process.kill()
            process.wait()
        return server(body, headers)

    with stand_in(answer) as url:
        config = write_config(tmp_path / "c.yaml", write_collection(tmp_path / "more", 14), url, rest=rest)
        process = start_evalkit("run", config, "--into", tmp_path / "results", **SILENT)
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
