"""``evalkit run``, ``bench`` and ``probe`` against servers that ignore the query, the documents, or both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.api_runs import Counting, write_collection, write_config
from support.command import evalkit, only_folder
from support.faulty import hashed_score
from support.stand_in import stand_in

pytestmark = pytest.mark.usefixtures("blank_plots")

SCORES = {
    "constant": lambda _query, _text: 0.5,
    "the query is ignored": lambda _query, text: len(text) / 1000,
    "the documents are ignored": lambda query, _text: hashed_score(query, ""),
}
FAULTS = {
    "constant": "returns the same score for every query and document",
    "the query is ignored": "ignores the query: its scores are the same for different queries",
    "the documents are ignored": "ignores the documents: all documents of a query get the same score",
}
CENT = ", price: {usd_per_thousand_requests: 10, as_of: 2026-11-22}"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a collection of six queries with six candidates each."""
    return write_collection(tmp_path / "small", 6)


def server_of(fault: str) -> Any:
    """Return a server that scores as the fault has it."""

    def answer(body: dict[str, Any], _headers: dict[str, str]) -> tuple[int, bytes]:
        scores = [SCORES[fault](body["query"], text) for text in body["documents"]]
        order = sorted(range(len(scores)), key=lambda place: -scores[place])
        results = [{"index": place, "relevance_score": scores[place]} for place in order]
        return 200, orjson.dumps({"model": body["model"], "results": results})

    return answer


@pytest.mark.parametrize("command", ["run", "bench"])
@pytest.mark.parametrize("fault", SCORES)
def test_scores_that_ignore_a_text_are_exit_2_with_the_cause(
    fault: str, command: str, tmp_path: Path, small: Path
) -> None:
    """One line with the figures and one with the likely cause; nothing is written."""
    with stand_in(server_of(fault)) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        done = evalkit(command, config, "--into", tmp_path / "results")
    assert done.returncode == 2
    assert f"error: reranker 'api' {FAULTS[fault]} (4 queries with the same 12 documents" in done.stderr
    assert "hint: check url and dialect" in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("fault", SCORES)
def test_a_probe_finds_the_same(fault: str, tmp_path: Path, small: Path) -> None:
    """As two promises; a constant breaks both."""
    with stand_in(server_of(fault)) as url:
        done = evalkit("probe", write_config(tmp_path / "c.yaml", small, url), "--reranker", "api", "--json")
    found = {one["promise"]: one["verdict"] for one in orjson.loads(done.stdout)}
    broken = [name for name in ("query", "document") if found[f"scores depend on the {name}"] == "broken"]
    assert broken == [name for name in ("query", "document") if fault == "constant" or name in fault]
    assert done.returncode == 3


def test_a_baseline_that_is_meant_to_ignore_the_query_is_run(tmp_path: Path, small: Path) -> None:
    """As the hint says."""
    with stand_in(server_of("the query is ignored")) as url:
        config = write_config(tmp_path / "c.yaml", small, url, ", score_check: false")
        done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 0, done.stderr


def test_the_check_is_planned_paid_recorded_and_not_repeated(tmp_path: Path, small: Path) -> None:
    """Two calls: in the plan with their cost, in the budget, in the manifest; a resumed run makes none of them."""
    server = Counting()
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url, CENT, "budget: {usd: 0.075}\n")
        plan = {row["pass"]: row for row in orjson.loads(evalkit("run", config, "--plan", "--json").stdout)}
        assert server.calls == 0
        stopped = evalkit("run", config, "--into", tmp_path / "results")
        assert (stopped.returncode, server.calls) == (3, 7), "a test call, two of the check, and four queries"
        again = evalkit("run", config, "--into", tmp_path / "results")
        assert (again.returncode, server.calls) == (3, 7), "nothing is asked again beyond the budget"
        folder = only_folder(tmp_path / "results")
        more = evalkit("run", config, "--into", tmp_path / "more", "--set", "budget.usd=1")
    assert (plan["check"]["calls"], plan["check"]["pairs"]) == (1 + 2, 1 + 2 * 12)
    assert plan["check"]["cost_usd"] == pytest.approx(0.03)
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    assert manifest["spent_usd"] == pytest.approx(0.07)
    (check,) = manifest["dependence_checks"]
    assert (check["reranker"], check["queries"], check["documents"], check["found"]) == (
        "api",
        2,
        12,
        "dependent",
    )
    assert more.returncode == 0, more.stderr


def test_a_resumed_run_makes_no_call_of_the_check_again(tmp_path: Path, small: Path) -> None:
    """A query that failed is asked alone."""
    server = Counting()
    healthy = False

    def sometimes(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        if body["query"] == "topic2" and len(body["documents"]) == 6 and not healthy:
            return 400, b'{"error": {"message": "not now"}}'
        return server(body, headers)

    with stand_in(sometimes) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        first = evalkit("run", config, "--into", tmp_path / "results")
        calls, healthy = server.calls, True
        again = evalkit("run", config, "--into", tmp_path / "results")
    assert (first.returncode, again.returncode) == (3, 0), again.stderr
    assert (calls, server.calls) == (1 + 2 + 5, 1 + 2 + 6)
    manifest = orjson.loads((only_folder(tmp_path / "results") / "manifest.json").read_bytes())
    assert len(manifest["dependence_checks"]) == 1


@pytest.mark.parametrize("block", ["{backend: lexical}", "{backend: http, serve: {backend: lexical}}"])
def test_queries_without_a_matching_word_are_no_fault(block: str, tmp_path: Path, small: Path) -> None:
    """The lexical reranker then scores by length alone, which is right; locally and behind a server."""
    queries = b"".join(orjson.dumps({"_id": f"q{n}", "text": f"unmatched{n}"}) + b"\n" for n in range(6))
    (small / "queries.jsonl").write_bytes(queries)
    rows = "".join(f"q{q} Q0 d{q}.{i} {i + 1} {-i} first\n" for q in range(6) for i in range(6))
    (tmp_path / "first.trec").write_text(rows, encoding="utf-8")
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: t\ndatasets: [{{source: beir_folder, path: {small}}}]\n"
        f"retriever: {{kind: trec_run, path: {tmp_path / 'first.trec'}}}\nrerankers: {{words: {block}}}\n",
        encoding="utf-8",
    )
    done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    manifest = orjson.loads((only_folder(tmp_path / "results") / "manifest.json").read_bytes())
    assert manifest["dependence_checks"][0]["found"] == "dependent"


def test_a_check_that_fails_is_said_and_made_again(tmp_path: Path, small: Path) -> None:
    """A constant server that refuses one call of the check is found by the next run of the same configuration."""
    calls, is_first_run = 0, True

    def refuses_once(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        """Answer as the constant server does, but in the first run refuse the check's first call, and one query."""
        nonlocal calls
        calls += 1
        if calls == 2:
            return 400, b'{"detail": "too many documents"}'
        if is_first_run and body["query"] == "topic2":
            return 400, b'{"detail": "no"}'
        return server_of("constant")(body, headers)

    with stand_in(refuses_once) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        first = evalkit("run", config, "--into", tmp_path / "results")
        assert (
            "note: not checked whether the scores of 'api' depend on the query and the document"
            in first.stderr
        )
        assert "a call failed after 0 of 4 queries" in first.stderr
        assert "too many documents" in first.stderr
        (folder,) = (tmp_path / "results").glob("*/report.md")
        assert "not checked whether its scores depend" in folder.read_text(encoding="utf-8")
        is_first_run = False
        second = evalkit("run", config, "--into", tmp_path / "results")
    assert second.returncode == 2, second.stderr
    assert FAULTS["constant"] in second.stderr
