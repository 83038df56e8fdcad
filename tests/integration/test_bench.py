"""``evalkit bench`` as a user runs it, against a stand-in server."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.api_runs import write_collection, write_config
from support.command import evalkit, only_folder
from support.faulty import reply_of
from support.quiet_harness import report_with_quiet_harness
from support.stand_in import stand_in

from evalkit.config import LatencySettings

LATENCY = """\
latency:
  batch_sizes: [1, 2, 4]
  calls: 60
  warmup: 2
  offline: {concurrency: [1, 2, 4], batch_size: 2}
  server: {rates_per_s: [20, 400], calls: 60}
  slo: {max_ms: 100}
"""
CLAIMS = ", claims: {1-2 documents: 5 s, '4': 1ms, 50-100 documents: 300ms}, usd_per_hour: 3.6"


class OneAtATime:
    """A server that takes one call after the other, each for 2 ms and 1 ms a document."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self.calls = 0

    def __call__(self, body: dict[str, Any], _headers: dict[str, str]) -> tuple[int, bytes]:
        """Answer."""
        with self._turn:
            self.calls += 1
            time.sleep(0.002 + 0.001 * len(body["documents"]))
        return 200, orjson.dumps(reply_of(body))


@pytest.fixture(scope="module")
def benched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, dict[str, Any]]:
    """Return the folder of a bench, what it printed, and its plan."""
    folder = tmp_path_factory.mktemp("bench")
    with stand_in(OneAtATime()) as url:
        config = write_config(folder / "c.yaml", write_collection(folder / "many", 70), url, CLAIMS, LATENCY)
        planned = evalkit("bench", config, "--into", folder / "results", "--plan", "--json")
        assert planned.returncode == 0, planned.stderr
        done = evalkit("bench", config, "--into", folder / "results")
        assert done.returncode == 0, done.stderr
    plan = {row["pass"]: row for row in orjson.loads(planned.stdout)}
    result = only_folder(folder / "results")
    return result, report_with_quiet_harness(result), plan


def answers(folder: Path) -> dict[str, Any]:
    """Return what the result answers."""
    found: dict[str, Any] = orjson.loads((folder / "latency.json").read_bytes())
    return found


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the figures of every cell."""
    found: list[dict[str, Any]] = orjson.loads((folder / "summary.json").read_bytes())["latency"]
    return found


def test_only_latency_is_measured(benched: tuple[Path, str, dict[str, Any]]) -> None:
    """There is no quality pass, nothing of quality in the report, and every timed call of the plan."""
    folder, said, plan = benched
    calls = pd.read_parquet(folder / "calls.parquet")
    assert set(calls["pass"]) == {"check", "warmup", "latency"}
    made = calls.groupby("pass").size()
    assert made["latency"] <= plan["latency"]["calls"]
    assert "nDCG" not in said
    assert "latency by batch size (ms)" in said
    assert "response time under load (ms)" in said
    summary = orjson.loads((folder / "summary.json").read_bytes())
    assert summary["quality"] == []
    assert (folder / "report.html").is_file()


def test_every_scenario_has_its_cells(benched: tuple[Path, str, dict[str, Any]]) -> None:
    """The grid and the capacity as closed loops, the rates as open ones; each row names its loop."""
    folder, _, _ = benched
    found = {(r["scenario"], r["batch_size"], r["concurrency"], r["rate_per_s"]): r for r in rows(folder)}
    closed = {("single_stream", size, 1, None) for size in (1, 2, 4)}
    closed |= {("offline", 2, flight, None) for flight in (2, 4)}
    assert set(found) - closed <= {("server", 4, None, 20.0), ("server", 4, None, 400.0)}
    assert closed < set(found)
    assert found["server", 4, None, 20.0]["loop"] == "open"
    for row in found.values():
        assert row["calls"] == row["p50_s"]["n"]
        assert row["p99_s"]["estimate"] is None
        assert row["p99_s"]["needs"] == 368


def test_stations_stand_in_order_on_one_clock(benched: tuple[Path, str, dict[str, Any]]) -> None:
    """Due, begun, encoded, sent, headers, body, end: no call is anywhere before it was somewhere else."""
    folder, _, _ = benched
    calls = pd.read_parquet(folder / "calls.parquet")
    stations = ["scheduled_s", "start_s", "encoded_s", "sent_s", "headers_s", "body_s", "end_s"]
    steps = calls[stations].diff(axis=1).iloc[:, 1:]
    assert (steps >= 0).all(axis=None)
    assert calls["document_characters"].gt(0).all()
    assert calls["conn_reused"].mean() > 0.5
    parts = rows(folder)[0]["parts"]
    assert all(parts[name] is not None for name in ("client", "sending", "waiting", "receiving", "server"))


def test_answers_are_those_of_the_service(benched: tuple[Path, str, dict[str, Any]]) -> None:
    """What a call costs, which claims hold, where capacity ends, which rate keeps the limit, what it costs."""
    folder, said, _ = benched
    found = answers(folder)
    fit = next(fit for fit in found["fits"] if fit["causes"] == ["documents"])
    assert (fit["cells"], fit["calls"]) == (3, sum(r["calls"] for r in rows(folder) if r["concurrency"] == 1))
    verdicts = {(one["claim"], one["batch_size"]): one["verdict"] for one in found["claims"]}
    assert verdicts["1-2 documents: 5 s", 1] == verdicts["1-2 documents: 5 s", 2] == "PASS"
    assert verdicts["4: 1ms", 4] == "FAIL"
    assert verdicts["50-100 documents: 300ms", None] == "NOT MEASURED"
    assert "add batch sizes from 50 to 100" in said
    (capacity,) = found["capacity"]
    assert [point["concurrency"] for point in capacity["points"]] == [1, 2, 4]
    power = {p["concurrency"]: p["calls_per_s"]["mean"] / p["p50_s"]["estimate"] for p in capacity["points"]}
    assert power[capacity["knee"]] == max(power.values())
    limits = {one["rate_per_s"]: one["verdict"] for one in found["limits"] if one["rate_per_s"]}
    assert limits[20.0] != "NOT MEASURED"
    assert limits.get(400.0, "FAIL") != "PASS", "more calls a second than it can serve"
    cost = next(one for one in found["costs"] if one["batch_size"] == 1)
    rate = next(r for r in rows(folder) if r["batch_size"] == 1)["calls_per_s"]["mean"]
    assert cost["usd_per_thousand_queries"] == pytest.approx(3.6 / 3600 / rate * 1000)
    assert len(found["machine"]["rounds"]) == LatencySettings().rounds


def test_every_plot_is_there_and_a_report_is_rebuilt(
    benched: tuple[Path, str, dict[str, Any]], tmp_path: Path
) -> None:
    """Every chart of a latency pass, and the same bytes from the raw files again."""
    folder, _, _ = benched
    names = {path.name for path in (folder / "plots").glob("*.svg")}
    assert {name.rsplit(".", 2)[-2] for name in names} == {
        "latency-by-batch-size", "latency-distribution", "latency-spread", "latency-timeline", "response-times",
        "throughput-against-latency",
    }  # fmt: skip
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    derived = ["latency.json", "summary.json", "report.md", *(f"plots/{name}" for name in names)]
    before = {name: (copy / name).read_bytes() for name in derived}
    done = evalkit("report", copy)
    assert done.returncode == 0, done.stderr
    assert "response time under load (ms)" in done.stdout
    assert {name: (copy / name).read_bytes() for name in derived} == before


@pytest.mark.parametrize("words", [("compare",), ("tune", "depth"), ("leaderboard",)])
def test_a_bench_is_no_comparison(benched: tuple[Path, str, dict[str, Any]], words: tuple[str, ...]) -> None:
    """A bench that is asked for quality answers in one line that there is none."""
    folder, _, _ = benched
    done = evalkit(*words, folder)
    assert done.returncode == 2
    assert "contains only latencies" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_nothing_to_time_is_reported(tmp_path: Path) -> None:
    """A configuration whose rerankers only look scores up has nothing to time; nor has one that asks for nothing."""
    config = tmp_path / "c.yaml"
    (tmp_path / "x").write_text("q Q0 d 1 1.0 t\n", encoding="utf-8")
    config.write_text(
        "name: t\ndatasets: [demo]\nrerankers: {a: {backend: replay, path: x}}\n", encoding="utf-8"
    )
    done = evalkit("bench", config)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2)
    config.write_text(
        "name: t\ndatasets: [demo]\nrerankers: {a: {backend: lexical, claims: {ten: 1s}}}\nquality: false\n"
        "latency: {calls: 50, slo: {max_ms: 10}}\n",
        encoding="utf-8",
    )
    done = evalkit("config", "check", config)
    assert done.returncode == 2
    assert "'ten' is not a number of documents" in done.stderr
    assert "the minimum is 59" in done.stderr
