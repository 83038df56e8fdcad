"""The http backend against real servers: every dialect, odd texts, long lists, plans, budgets, interrupts."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
import uvicorn
from support.command import evalkit, only_folder, start_evalkit
from support.faulty import FaultyServer, hashed_score, honestly
from support.stand_in import by_length, stand_in

from evalkit import registry
from evalkit.errors import CallError, ConfigError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind
from evalkit.rerankers import load_reranker
from evalkit.server.app import build_app

pytestmark = pytest.mark.usefixtures("blank_plots")

ODD_TEXTS = (
    "plain", "", " ", "tab\tnew\nline\r\n", 'quotes " and \\ backslash', "nul \x00 bell \x07 escape \x1b",
    "\u2028 and \u2029", "é and e\u0301", "中文字符", "עברית مرحبا", "👩‍👩‍👧‍👦 🇪🇺", "\ufeffbom", "\U0010ffff",
    "a" * 100_000,    "<html>&amp;</html>", "{{json: [1, 2]}}", "%20%00+", "ﬁ ﬂ Ⅷ", "\u202egnissecorp\u202c",
)  # fmt: skip


class Hashing:
    """Scores a pair by its hash: every bit of every text counts."""

    pointwise = True
    score_kind: ScoreKind = "probability"

    def score(self, request: RerankRequest) -> RerankResponse:
        """Score every document."""
        return RerankResponse(np.array([hashed_score(request.query, d) for d in request.documents]))

    def close(self) -> None:
        """Do nothing."""


@contextmanager
def service(name: str, key: str | None = None) -> Iterator[str]:
    """Serve the hashing reranker in a thread; yield the address of its endpoint."""
    config = uvicorn.Config(build_app({"m": Hashing()}, name, api_key=key), log_level="error")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{registry.lookup('dialect', name)().served_path('m')}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def request_of(*documents: str, query: str = "which?") -> RerankRequest:
    """Return a request."""
    return RerankRequest("q1", query, documents, tuple(map(str, range(len(documents)))))


def settings_for(name: str, url: str) -> dict[str, Any]:
    """Return settings of the http backend for a dialect."""
    return {"url": url, "dialect": name, "model": "m", **({"shape": {}} if name == "generic" else {})}


@pytest.mark.parametrize("name", registry.names("dialect"))
def test_client_and_server_of_a_dialect_understand_each_other(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over real HTTP every dialect gives the served scores bit for bit, with the key in its own header."""
    monkeypatch.setenv("TEST_HTTP_KEY", "s3cret-key")
    dialect = registry.lookup("dialect", name)()
    with service(name, "s3cret-key") as url:
        reranker = load_reranker("http", **settings_for(name, url), api_key_env="TEST_HTTP_KEY")
        request = request_of(*ODD_TEXTS)
        response = reranker.score(request)
        assert response.scores.tolist() == [hashed_score(request.query, d) for d in ODD_TEXTS]
        assert response.list_is_sorted in ({True} if dialect.sorted else {None})
        assert response.conn_reused is False
        assert reranker.score(request).conn_reused is True
        reranker.close()
        if dialect.aws_service:
            return  # a request without a key is signed; see test_clouds.py
        refused = load_reranker("http", **settings_for(name, url))
        with pytest.raises(CallError, match=r"returned 401: (the API key is missing|)") as raised:
            refused.score(request)
        assert raised.value.remedy.permanent
        refused.close()


def test_a_reply_that_is_not_ready_is_fetched() -> None:
    """NVIDIA's 202 is polled at the place its header names, until the reply is there."""
    visits: list[str] = []
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Slow(BaseHTTPRequestHandler):
        """Accepts first and answers the second time it is asked."""

        def _say(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            """Accept."""
            self.rfile.read(int(self.headers["Content-Length"]))
            self._say(202, b"", **{"NVCF-REQID": "abc-123"})

        def do_GET(self) -> None:
            """Answer the second time."""
            visits.append(self.path)
            if len(visits) < 2:
                self._say(202, b"", **{"NVCF-REQID": "abc-123"})
            else:
                self._say(200, b'{"rankings": [{"index": 1, "logit": 2.5}, {"index": 0, "logit": -1.5}]}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    reranker = load_reranker(
        "http", url=f"http://127.0.0.1:{server.server_address[1]}/x", dialect="nvidia_hosted"
    )
    assert reranker.score(request_of("a", "b")).scores.tolist() == [-1.5, 2.5]
    assert visits == ["/v2/nvcf/pexec/status/abc-123"] * 2
    reranker.close()
    server.shutdown()
    server.server_close()


def write_config(path: Path, folder: Path, url: str, more: str = "", rest: str = "") -> Path:
    """Write a configuration with one http reranker."""
    path.write_text(
        f"name: t\ndatasets: [{{source: beir_folder, path: {folder}}}]\nretriever: {{depth: 5}}\n"
        f"rerankers:\n  api: {{backend: http, url: '{url}', model: m, retry_wait_s: 0.01{more}}}\n"
        f"metrics: [nDCG@10]\n{rest}",
        encoding="utf-8",
    )
    return path


def test_two_thousand_candidates_go_out_in_requests_that_the_api_takes(tmp_path: Path) -> None:
    """A list of 2,000 is split at the dialect's 1,000, and every document has its own score."""
    folder = tmp_path / "large"
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": f"d{i}", "title": "", "text": f"needle {i} " + "hay " * (i % 7)} for i in range(2000)]
    (folder / "corpus.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    (folder / "queries.jsonl").write_bytes(orjson.dumps({"_id": "q", "text": "needle"}) + b"\n")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td1\t1\n", encoding="utf-8")
    server = FaultyServer(honestly, "nobody")
    with server.running() as url:
        config = write_config(tmp_path / "c.yaml", folder, url)
        done = evalkit("run", config, "--into", tmp_path / "results", "--set", "retriever.depth=2000")
    assert done.returncode == 0, done.stderr
    result = only_folder(tmp_path / "results")
    calls = pd.read_parquet(result / "calls.parquet")
    assert calls[calls["pass"] == "quality"].batch_size.tolist() == [1000, 1000]
    scores = pd.read_parquet(result / "scores.parquet")
    scores = scores[scores.reranker == "api"]
    texts = {str(row["_id"]): str(row["text"]) for row in rows}
    assert len(scores) == 2000
    expected = [hashed_score("needle", texts[doc_id]) for doc_id in scores.doc_id]
    assert scores.score.tolist() == expected


def test_a_plan_is_what_happens(tmp_path: Path, beir_folder: Path) -> None:
    """Calls and pairs of a run without faults are those of its plan, pass by pass, and nothing is contacted for it.

    Warming up goes on until latencies settle: there the plan names the fewest.
    """
    rest = "depths: [2, 5]\nlatency: {batch_sizes: [1, 2], calls: 3}\n"
    more = ", batch_size: 2, price: {usd_per_million_tokens: 10, as_of: 2026-11-22}"
    config = write_config(tmp_path / "c.yaml", beir_folder, "http://127.0.0.1:9/v1/rerank", more, rest)
    planned = evalkit("run", config, "--plan", "--json")
    assert planned.returncode == 0, planned.stderr
    plan = {row["pass"]: row for row in orjson.loads(planned.stdout)}
    with stand_in(by_length) as url:
        done = evalkit(
            "run", write_config(config, beir_folder, url, more, rest), "--into", tmp_path / "results"
        )
    assert done.returncode == 0, done.stderr
    folder = only_folder(tmp_path / "results")
    calls = pd.read_parquet(folder / "calls.parquet").groupby("pass")
    for planned_of, made in (("calls", calls.size().to_dict()), ("pairs", calls.batch_size.sum().to_dict())):
        reported = {name: row[planned_of] for name, row in plan.items()}
        assert made.pop("warmup") >= reported.pop("warmup")
        assert reported == made
    assert all(row["cost_usd"] == pytest.approx(row["tokens"] * 1e-5) for row in plan.values())
    summary = orjson.loads((folder / "summary.json").read_bytes())
    (cost,) = summary["costs"]
    quality = int(calls.size()["quality"])
    assert cost["cost_usd"] == pytest.approx(quality * 7 * 1e-5)  # the stand-in bills 7 tokens a call
    assert cost["price"] == {"usd_per_million_tokens": 10.0, "as_of": "2026-11-22"}
    table = evalkit("run", config, "--plan").stdout
    lines = table.splitlines()
    assert lines[0].startswith("Plan of ")
    assert [line.split()[:2] for line in lines if line.startswith("dataset ")] == [["dataset", "reranker"]]
    assert any(line.startswith("total: ") for line in lines)
    assert lines[-1].startswith("next: evalkit run")


def test_a_budget_stops_a_run_before_it_is_crossed(tmp_path: Path, beir_folder: Path) -> None:
    """The run stops in time, keeps what it has, says so and exits with 3; without a price it does not begin."""
    rest = "budget: {usd: 0.025}\n"
    price = ", price: {usd_per_thousand_requests: 10, as_of: 2026-11-22}"
    with stand_in(by_length) as url:
        unpriced = evalkit("run", write_config(tmp_path / "c.yaml", beir_folder, url, "", rest))
        done = evalkit(
            "run",
            write_config(tmp_path / "c.yaml", beir_folder, url, price, rest),
            "--into",
            tmp_path / "results",
        )
    assert unpriced.returncode == 2
    assert "budget is set, but 'api' has no price" in unpriced.stderr
    assert done.returncode == 3
    assert "of the budget of $0.025 are spent" in done.stderr
    folder = only_folder(tmp_path / "results")
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    assert manifest["status"] == "incomplete"
    assert manifest["spent_usd"] == pytest.approx(0.02)
    assert len(pd.read_parquet(folder / "calls.parquet")) == 2


@pytest.mark.long
def test_ctrl_c_does_not_wait_for_a_server_that_hangs(tmp_path: Path, beir_folder: Path) -> None:
    """The program ends, with what it has saved, while the server still holds a call back and however often asked."""
    answered, hanging, release = threading.Event(), threading.Event(), threading.Event()

    def hang(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        if len(body["documents"]) > 1 and body["query"] != "cat on the roof":
            answered.wait(30)
            time.sleep(1)  # the program keeps the answer before it is interrupted
            hanging.set()
            release.wait(60)
        elif len(body["documents"]) > 1:
            answered.set()
        return by_length(body, headers)

    with stand_in(hang) as url:
        config = write_config(tmp_path / "c.yaml", beir_folder, url, ", timeout_s: 100, score_check: false")
        process = start_evalkit("run", config, "--into", tmp_path / "results")
        try:
            assert hanging.wait(30)
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            time.sleep(0.15)
            process.send_signal(signal.SIGINT)  # people press it twice
            _, said = process.communicate(timeout=50)
            taken = time.monotonic() - start
            assert not release.is_set()
        finally:
            release.set()
    sys.stdout.write(f"ended {taken:.2f} s after Ctrl-C\n")
    assert process.returncode == 130
    assert "Traceback" not in said
    scores = pd.read_parquet(only_folder(tmp_path / "results") / "scores.parquet")
    assert set(scores[scores.reranker == "api"].query_id) == {"q1"}, "what came back before is kept"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dialect": "nim", "url": "http://x/y", "options": {"top_k": 3}}, "unknown option 'top_k' of dialect nim"),
        ({"dialect": "together", "options": {"foo": 1}}, "unknown option 'foo' of dialect together"),
        ({"url": "http://x/y", "options": {"query": "q"}}, "must not set option 'query': the assisters"),
        ({"dialect": "tei"}, "tei has no public address"),
        ({}, "needs 'url', 'serve' or a dialect"),
        ({"dialect": "generic", "url": "http://x/y"}, "needs both 'shape' and 'dialect: generic'"),
        ({"url": "http://x/y", "shape": {}}, "needs both 'shape' and 'dialect: generic'"),
        ({"url": "http://x/y", "headers": {"X-Api-Key": "k"}}, "must not contain a key"),
        ({"url": "http://x/y", "headers": {"X-Project": "a\nb"}}, "contains an invalid header"),
        ({"url": "ftp://x/y"}, "must start with http"),
        ({"url": "http://x:99999/y"}, "ort out of range"),
        ({"url": "http://x/y", "price": {"as_of": "2026-11-22"}}, "needs exactly one of"),
        ({"url": "http://x/y", "retries": 21}, "should be less than or equal to 20"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], said: str) -> None:
    """What an API would refuse, or no one could mean, is reported before anything is sent."""
    with pytest.raises(ConfigError) as raised:
        load_reranker("http", **settings)
    assert said in raised.value.message


@pytest.mark.parametrize(
    "line",
    ["url: 'https://user:sk-live-0123@x.example/r'", "url: 'https://x.example/r?api_key=sk-live-0123'",
     "url: 'https://x.example/r', api_key_env: 'sk-live-0123-abc'",
     "url: 'https://x.example/r', headers: {Authorization: 'Bearer sk-live-0123'}",
     "url: 'https://x.example/r', api_key: sk-live-0123"],
)  # fmt: skip
def test_a_key_in_a_configuration_is_refused_and_not_repeated(tmp_path: Path, line: str) -> None:
    """A key where none may stand is refused by every command, and no word of it is printed."""
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: t\ndatasets: [demo]\nrerankers:\n  api: {{backend: http, {line}}}\n", encoding="utf-8"
    )
    for words in (["config", "check"], ["run"], ["config", "show"]):
        done = evalkit(*words, config, cwd=tmp_path)
        assert done.returncode == 2
        assert "0123" not in done.stdout + done.stderr
        assert "api_key_env" in done.stderr


def test_options_and_headers_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the configuration adds stands in every request, in addition to what the dialect writes."""
    seen: list[tuple[Any, dict[str, str]]] = []

    def answer(body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        seen.append((body, headers))
        return 200, orjson.dumps([{"index": 0, "score": 1.5}])

    monkeypatch.setenv("TEST_HTTP_KEY", "  s3cret-key\n")
    with stand_in(answer) as url:
        reranker = load_reranker(
            "http", url=url, dialect="tei", options={"raw_scores": True}, headers={"X-Project": "p"},
            api_key_env="TEST_HTTP_KEY",
        )  # fmt: skip
        assert reranker.score_kind == "logit"
        reranker.score(request_of("a"))
        reranker.close()
    ((body, headers),) = seen
    assert body == {"query": "which?", "texts": ["a"], "raw_scores": True}
    assert (headers["x-project"], headers["authorization"]) == ("p", "Bearer s3cret-key")


def test_an_unknown_api_is_spoken_with_names_from_the_configuration() -> None:
    """The generic dialect writes and reads wherever the configuration says."""

    def answer(body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        assert headers["x-token"] == "s3cret-key"
        texts = [entry["content"] for entry in body["input"]["passages"]]
        hits = [{"pos": i, "rel": len(text)} for i, text in enumerate(texts)]
        return 200, orjson.dumps({"out": {"hits": hits}, "billing": {"chars": 3, "tok": 11}})

    shape = {
        "model": "", "query": "input.q", "documents": "input.passages", "document_key": "content", "top_n": "",
        "results": "out.hits", "index": "pos", "score": "rel", "tokens": "billing.tok", "sorted": False,
        "key_header": "X-Token", "key_prefix": "",
    }  # fmt: skip
    with stand_in(answer) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_HTTP_KEY", "s3cret-key")
        reranker = load_reranker("http", url=url, dialect="generic", shape=shape, api_key_env="TEST_HTTP_KEY")
        response = reranker.score(request_of("a", "bbb", "cc"))
        reranker.close()
    assert response.scores.tolist() == [1, 3, 2]
    assert response.usage.tokens == 11
    assert response.list_is_sorted is None
