"""What a failed call leads to: errors in a 200 are retried or not, and the end of a run says why it is unfinished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import evalkit, only_folder
from support.stand_in import by_length, stand_in

from evalkit.config import reranker_settings
from evalkit.errors import CallError
from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker
from evalkit.reranking import Batch, CallContext, RerankerSession, RetryingCaller
from evalkit.reranking.budget import Budget

pytestmark = pytest.mark.usefixtures("blank_plots")

REQUEST = RerankRequest("q1", "which?", ("a", "bb"), ("d1", "d2"))


def session_of(url: str, **settings: Any) -> RerankerSession:
    """Return a session of the http backend without waits."""
    block = {"url": url, "model": "m", "dialect": "vllm", "retry_wait_s": 0.01, **settings}
    read = reranker_settings({"backend": "http", **block})
    return RerankerSession.of("it", load_reranker("http", **block), read, Budget())


def sent(answers: list[bytes], **settings: Any) -> tuple[CallError | None, int, RerankerSession]:
    """Send one request to a server with these replies, the last one repeated; return the failure and the calls."""
    calls: list[int] = []

    def answer(body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        calls.append(1)
        reply = answers[min(len(calls), len(answers)) - 1]
        return (200, reply) if reply else by_length(body, headers)

    with stand_in(answer) as url:
        session = session_of(url, **settings)
        caller = RetryingCaller(session)
        (outcome,) = caller.deliver(Batch(REQUEST), CallContext("d", "it", "quality"))
        session.reranker.close()
    return outcome.failure, len(calls), session


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "rate limit", "code": 429}},
        {"code": "Throttling", "message": "too fast"},
        {"success": False, "errors": [{"code": 3040, "message": "No capacity, try again"}]},
        {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
        {"results": [], "error": "overloaded"},
        'data: {"error": {"message": "upstream timed out"}}\n\ndata: [DONE]\n\n',
    ],
)
def test_a_passing_error_in_a_200_is_retried(body: Any) -> None:
    """As its HTTP status would be; the next reply counts."""
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    failure, calls, _ = sent([raw, b""])
    assert failure is None
    assert calls == 2


@pytest.mark.parametrize(
    ("body", "said", "closes"),
    [
        ({"error": "invalid api key"}, "invalid api key", True),
        (
            {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
            "1008: insufficient",
            True,
        ),
        ({"object": "error", "message": "The model does not exist", "code": 404}, "404: The model", True),
        ({"detail": "the query is wrong"}, "the query is wrong", False),
    ],
)
def test_a_lasting_error_in_a_200_is_not_retried(body: Any, said: str, *, closes: bool) -> None:
    """It is named, its status stays 200, and one that no call can pass ends the calls."""
    failure, calls, session = sent([orjson.dumps(body)])
    assert failure is not None
    assert f"returned 200 with an error: {said}" in failure.message
    assert (failure.kind, failure.http_status, calls) == ("http", 200, 1)
    assert (session.closed is not None) is closes


def test_a_stated_wait_is_kept() -> None:
    """A wait in the sentence counts as one in a header: too long a wait fails the call."""
    body = orjson.dumps({"error": "rate limit: try again in 90 seconds"})
    failure, calls, _ = sent([body], longest_wait_s=5)
    assert calls == 1
    assert failure is not None
    assert "asks to wait 90 s" in failure.message


def test_a_complete_reply_with_harmless_fields_is_scored() -> None:
    """Codes and words for success, and even an error field, next to every score are no failure."""
    results = [{"index": 0, "relevance_score": 0.5}, {"index": 1, "relevance_score": 0.25}]
    body = {"model": "m", "results": results, "error": None, "message": "ok", "code": 0, "status": 200}
    failure, calls, _ = sent([orjson.dumps(body)])
    assert failure is None
    assert calls == 1


def test_a_long_message_keeps_its_end() -> None:
    """The reason is often the last thing that a server says."""
    said = "The request could not be read. " * 30 + "Document 7 is empty"
    failure, _, _ = sent([orjson.dumps({"detail": said})])
    assert failure is not None
    assert "could not be read. Document 7 is empty; the longest of its 2 documents is" in failure.message
    assert len(failure.message) < 500


def run_against(answer: Any, tmp_path: Path, folder: Path, more: str = "", command: str = "run") -> Any:
    """Run an experiment with one http reranker against a server; return the finished process."""
    config = tmp_path / "c.yaml"
    with stand_in(answer) as url:
        config.write_text(
            f"name: t\ndatasets: [{{source: beir_folder, path: {folder}}}]\nretriever: {{depth: 5}}\n"
            f"rerankers:\n  it: {{backend: http, dialect: vllm, url: '{url}', model: m, retry_wait_s: 0.01{more}}}\n"
            "metrics: [nDCG@10]\n",
            encoding="utf-8",
        )
        return evalkit(command, config, "--into", tmp_path / "results")


def after(count: int, status: int, body: Any) -> Any:
    """Return a server that scores `count` calls and then gives the same answer."""
    calls: list[int] = []

    def answer(sent: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        calls.append(1)
        filled = orjson.dumps({**body, "id": f"req-{len(calls)}a"})
        return by_length(sent, headers) if len(calls) <= count else (status, filled)

    return answer


def test_an_unfinished_run_ends_with_the_cause_and_the_remedy(tmp_path: Path, beir_folder: Path) -> None:
    """On the terminal, in the page, in summary.json and in the gate; failures with other ids are one cause."""
    limited = {"message": "a trial key makes 10 calls a minute"}
    done = run_against(after(4, 429, limited), tmp_path, beir_folder, ", retries: 0")
    assert done.returncode == 3
    folder = only_folder(tmp_path / "results")
    summary = orjson.loads((folder / "summary.json").read_bytes())
    (cause,) = summary["failures"]
    assert cause["message"].endswith("returned 429: a trial key makes 10 calls a minute")
    assert cause["hint"] == "set requests_per_minute: 10"
    count = cause["count"]
    last = done.stderr[done.stderr.rindex("error: ") :]
    assert f"'it' failed on {count} of 4 queries: {count} x \"http://127.0.0.1:" in last
    assert "hint: set requests_per_minute: 10" in last
    rows = [orjson.loads(line) for line in (folder / "failures.jsonl").read_bytes().splitlines()]
    assert {row["hint"] for row in rows} == {"set requests_per_minute: 10"}
    assert {row["reranker"] for row in rows} == {"it"}
    for page in ("report.html", "report.md"):
        text = (folder / page).read_text(encoding="utf-8")
        assert "a trial key makes 10 calls a minute" in text
        assert "Set requests_per_minute: 10" in text
    with stand_in(by_length) as url:
        path = tmp_path / "c.yaml"
        text = path.read_text(encoding="utf-8")
        address = text[text.index("http://") : text.index("/v1/rerank")] + "/v1/rerank"
        path.write_text(text.replace(address, url), encoding="utf-8")
        assert evalkit("run", path, "--into", tmp_path / "good").returncode == 0
    gated = evalkit("gate", folder, "--against", only_folder(tmp_path / "good"))
    assert "returned 429: a trial key makes 10 calls a minute" in gated.stdout + gated.stderr
    refused = evalkit("report", folder)
    assert "returned 429: a trial key makes 10 calls a minute" in refused.stderr
    assert "hint: set requests_per_minute: 10" in refused.stderr


def test_an_unfinished_bench_says_why(tmp_path: Path, beir_folder: Path) -> None:
    """Timed calls that failed are counted with their cause."""
    done = run_against(
        after(1, 503, {"message": "loading"}),
        tmp_path,
        beir_folder,
        ", retries: 0, score_check: false",
        "bench",
    )
    assert done.returncode == 3
    last = done.stderr[done.stderr.rindex("error: ") :]
    assert "timed calls to 'it' failed: " in last
    assert "returned 503: loading" in last


def test_a_list_that_the_server_cuts_is_named(tmp_path: Path, beir_folder: Path) -> None:
    """The first calls have few documents and pass; the hint comes with the first list that is longer."""

    def cut(body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        status, reply = by_length(body, headers)
        found = orjson.loads(reply)
        return status, orjson.dumps({**found, "results": found["results"][:2]})

    done = run_against(cut, tmp_path, beir_folder, ", score_check: false")
    assert done.returncode == 3
    assert " results: set send_top_n: true or max_documents: 2" in " ".join(done.stderr.split())
