"""``evalkit run`` against servers that are dead, refuse, fail, lie, or tell a lot of themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.command import evalkit, only_folder
from support.faulty import hashed_score
from support.stand_in import by_length, stand_in

pytestmark = pytest.mark.usefixtures("blank_plots")


def config_for(url: str, folder: Path, more: str = "") -> str:
    """Return a configuration with one http reranker."""
    return (
        f"name: t\ndatasets: [{{source: beir_folder, path: {folder}}}]\nretriever: {{depth: 5}}\n"
        f"rerankers:\n  api: {{backend: http, url: '{url}', model: m, retry_wait_s: 0.01{more}}}\nmetrics: [nDCG@10]\n"
    )


def test_a_dead_server_costs_nothing(tmp_path: Path, beir_folder: Path) -> None:
    """A server that is not there is one clear line, exit 3, and no result folder."""
    config = tmp_path / "c.yaml"
    config.write_text(config_for("http://127.0.0.1:9/v1/rerank", beir_folder), encoding="utf-8")
    done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 3
    assert "reranker 'api' failed its first call: cannot reach http://127.0.0.1:9/v1/rerank" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_wrong_key_is_named_and_never_shown(tmp_path: Path, beir_folder: Path) -> None:
    """A refused key is one line that names its variable; the key itself is in no output and no file."""

    def refuse(_body: object, headers: dict[str, str]) -> tuple[int, bytes]:
        assert headers["authorization"] == "Bearer s3cret-value"
        return 401, orjson.dumps(
            {"error": {"message": "bad key", "type": "authentication_error", "code": "x"}}
        )

    config = tmp_path / "c.yaml"
    with stand_in(refuse) as url:
        config.write_text(config_for(url, beir_folder, ", api_key_env: TEST_RERANK_KEY"), encoding="utf-8")
        done = evalkit("run", config, "--into", tmp_path / "results", env={"TEST_RERANK_KEY": "s3cret-value"})
    assert done.returncode == 3
    assert "returned 401: bad key\n  hint: check the key in TEST_RERANK_KEY" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_a_failed_call_fails_its_query_and_the_result_is_incomplete(
    tmp_path: Path, beir_folder: Path
) -> None:
    """A query whose call fails has no scores, is listed with the reply, and the result is never called complete."""

    def sometimes(body: dict[str, object], headers: dict[str, str]) -> tuple[int, bytes]:
        if body["query"] == "garden bird" and len(body["documents"]) > 1:  # type: ignore[arg-type]
            return 500, b"<html>out of memory</html>"
        return by_length(body, headers)

    config = tmp_path / "c.yaml"
    with stand_in(sometimes) as url:
        config.write_text(config_for(url, beir_folder, ", retries: 1"), encoding="utf-8")
        done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 3
    folder = only_folder(tmp_path / "results")
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    assert manifest["status"] == "incomplete"
    failures = [orjson.loads(line) for line in (folder / "failures.jsonl").read_bytes().splitlines()]
    first, failure = [one for one in failures if one["pass"] == "quality"]
    assert (first["status"], failure["status"], failure["attempt"]) == ("retried", "failed", 2)
    assert (failure["query_id"], failure["http_status"], failure["body"]) == (
        "q2",
        500,
        "<html>out of memory</html>",
    )
    scores = pd.read_parquet(folder / "scores.parquet")
    assert "q2" not in set(scores[scores.reranker == "api"].query_id)
    refused = evalkit("report", folder)
    assert refused.returncode == 3
    assert "is incomplete: api has no scores of 1 of 4 queries of tiny" in refused.stderr
    allowed = evalkit("report", folder, "--allow-incomplete")
    assert allowed.returncode == 0
    assert allowed.stdout.startswith("Undecided (provisional): 3 queries are too few for a verdict")
    assert "its means leave these out" in " ".join(allowed.stderr.split()).lower()


def test_what_a_server_says_of_itself_is_recorded(tmp_path: Path, beir_folder: Path) -> None:
    """Tokens, model, server time, status and connection reuse of every call are kept."""
    config = tmp_path / "c.yaml"
    with stand_in(by_length) as url:
        config.write_text(config_for(url, beir_folder), encoding="utf-8")
        done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    calls = pd.read_parquet(only_folder(tmp_path / "results") / "calls.parquet")
    assert set(calls.tokens) == {7}
    assert set(calls.model) == {"m"}
    assert set(calls.server_s) == {0.0125}
    assert set(calls.http_status) == {200}
    assert calls.conn_reused.any()


@pytest.mark.parametrize("lie", [float("nan"), "missing", "twice", "wrong"])
def test_a_lying_server_never_gives_a_score(tmp_path: Path, beir_folder: Path, lie: object) -> None:
    """A reply without one finite score for every document is exit 3 with the reason, before anything is written."""

    def answer(_body: object, _headers: dict[str, str]) -> tuple[int, bytes]:
        entry = {"index": 0, "relevance_score": 0.5}
        replies = {
            "missing": {"results": []},
            "twice": {"results": [entry, entry]},
            "wrong": {"scores": [0.1]},
        }
        if isinstance(lie, str):
            return 200, orjson.dumps(replies[lie])
        return 200, b'{"results": [{"index": 0, "relevance_score": NaN}]}'

    config = tmp_path / "c.yaml"
    with stand_in(answer) as url:
        config.write_text(config_for(url, beir_folder), encoding="utf-8")
        done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 3
    assert done.stderr.startswith("error: reranker 'api' failed its first call")
    assert not (tmp_path / "results").exists()


def by_position(body: dict[str, Any], _headers: dict[str, str]) -> tuple[int, bytes]:
    """Score documents by the query and their position in the list: the opposite of pointwise."""
    results = [
        {"index": i, "relevance_score": hashed_score(body["query"], str(i))}
        for i in range(len(body["documents"]))
    ]
    return 200, orjson.dumps({"results": results})


@pytest.mark.parametrize("declared", [True, False])
def test_the_promise_of_being_pointwise_is_checked(
    tmp_path: Path, beir_folder: Path, *, declared: bool
) -> None:
    """A reranker that looks at the list is refused if declared pointwise; declared otherwise, it is asked per depth."""
    config = tmp_path / "c.yaml"
    with stand_in(by_position) as url:
        more = "" if declared else ", pointwise: false"
        config.write_text(config_for(url, beir_folder, more) + "depths: [2, 5]\n", encoding="utf-8")
        done = evalkit("run", config, "--into", tmp_path / "results")
    if declared:
        assert done.returncode == 2
        assert "'api' is not pointwise: the score of a pair depends on the other documents" in done.stderr
        assert "hint: set rerankers.api.pointwise: false" in done.stderr
        assert not (tmp_path / "results").exists()
        return
    assert done.returncode == 0, done.stderr
    scores = pd.read_parquet(only_folder(tmp_path / "results") / "scores.parquet")
    assert set(scores[scores.reranker == "api"].depth) == {2, 5}
