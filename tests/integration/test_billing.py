"""An API that bills one unit for each call, and one that fails often: costs and warnings, run as a user runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.api_runs import run, visible, write_collection, write_config
from support.command import evalkit, only_folder
from support.faulty import hashed_score, reply_of
from support.stand_in import stand_in

pytestmark = pytest.mark.usefixtures("blank_plots")

PRICE = ", dialect: cohere_v2, price: {usd_per_thousand_units: 2, as_of: 2026-11-22}"
LATENCY = "latency: {batch_sizes: [2, 6], calls: 6}\n"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a collection of forty queries with six candidates each."""
    return write_collection(tmp_path / "small", 40)


def one_unit(body: dict[str, Any], _headers: dict[str, str]) -> tuple[int, bytes]:
    """Score by the pair, and bill one search unit whatever the number of documents."""
    results = [
        {"index": i, "relevance_score": hashed_score(body["query"], text)}
        for i, text in enumerate(body["documents"])
    ]
    results.sort(key=lambda one: -float(one["relevance_score"]))
    billed = {"billed_units": {"search_units": 1}}
    return 200, orjson.dumps({"id": "x", "results": results, "meta": billed})


def document(folder: Path, name: str) -> Any:
    """Return a document of a result folder."""
    return orjson.loads((folder / name).read_bytes())


@pytest.mark.long
def test_one_unit_for_each_call_costs_the_same_at_every_depth(tmp_path: Path, small: Path) -> None:
    """Depth sweep, timed calls and quality pass agree on $2.00; a limit below it allows no depth, cached or not."""
    results = tmp_path / "results"
    with stand_in(one_unit) as url:
        config = write_config(tmp_path / "c.yaml", small, url, PRICE, LATENCY)
        run(config, results)
        assert "$2.00" in run(config, results)  # all scores are cached
    for folder in visible(results):
        (found,) = document(folder, "tuning.json")["depth"]
        assert [row["usd_per_thousand_queries"] for row in found["rows"]] == pytest.approx([2.0] * 6)
        timed = document(folder, "latency.json")["costs"]
        assert {row["batch_size"]: row["usd_per_thousand_queries"] for row in timed} == pytest.approx(
            {2: 2.0, 6: 2.0}
        )
        for limit, allowed in (("1.0", 0), ("2.0", 6)):
            done = evalkit("tune", "depth", folder, "--max-cost-per-1k", limit, "--json")
            (limited,) = orjson.loads(done.stdout)
            assert limited["choice"]["allowed"] == allowed
    paid, cached = visible(results)
    assert [row["usd_per_thousand_queries"] for row in document(paid, "summary.json")["costs"]] == [
        pytest.approx(2.0)
    ]
    assert document(cached, "summary.json")["costs"] == []


@pytest.mark.long
def test_cached_scores_without_timed_calls_have_no_cost_and_say_so(tmp_path: Path, small: Path) -> None:
    """Nothing was billed for full lists: no cost in the table, and the card says why."""
    results = tmp_path / "results"
    with stand_in(one_unit) as url:
        config = write_config(tmp_path / "c.yaml", small, url, PRICE)
        run(config, results)
        assert "$ per 1,000" not in run(config, results)
    *_, cached = visible(results)
    assert "Cost unknown: all scores were cached." in (cached / "report.html").read_text(encoding="utf-8")


class Flaky:
    """A server that fails every fourth call with more than one document, until it is repaired."""

    def __init__(self) -> None:
        self.calls = 0
        self.repaired = False

    def __call__(self, body: dict[str, Any], _headers: dict[str, str]) -> tuple[int, bytes]:
        """Fail, or answer."""
        self.calls += len(body["documents"]) > 1
        if self.calls % 4 == 0 and len(body["documents"]) > 1 and not self.repaired:
            return 500, b'{"error": {"message": "overloaded"}}'
        return 200, orjson.dumps(reply_of(body))


@pytest.mark.parametrize("retries", [0, 8])
def test_a_server_that_fails_often_gets_a_warning(tmp_path: Path, small: Path, retries: int) -> None:
    """Retried attempts count, and those of an earlier session that a second run completed."""
    server = Flaky()
    more = f", retries: {retries}, retry_wait_s: 0.001"
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url, more)
        first = evalkit("run", config, "--into", tmp_path / "results")
        server.repaired = True
        said = run(config, tmp_path / "results") if retries == 0 else first.stderr
    assert first.returncode == (3 if retries == 0 else 0)
    report = (only_folder(tmp_path / "results") / "report.md").read_text(encoding="utf-8")
    rows = document(only_folder(tmp_path / "results"), "summary.json")["calls"]
    (totals,) = [row for row in rows if row["pass"] == "quality"]
    assert totals["failed"] + totals["retried"] >= 10
    assert totals["calls"] == 40 + totals["failed"] + totals["retried"]
    failed = sum(row["failed"] + row["retried"] for row in rows)
    for text in (" ".join(said.split()), report):
        assert f"api: {failed} of " in text
        assert "returned 500: overloaded" in text
        assert "lower concurrency or contact the provider" in text
