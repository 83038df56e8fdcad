"""``evalkit serve`` answers as the Assisters page describes."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.command import evalkit, serving, start_evalkit

from evalkit.config import load_config
from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker, open_reranker
from evalkit.server.unit_scores import to_unit

DOCUMENTS = ["the cat sat on the mat", "dogs bark", "a cat and another cat"]
BODY = {"model": "lexical", "query": "cat mat", "documents": DOCUMENTS}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Return the address of a service of the lexical backend."""
    with serving("--backend", "lexical") as url:
        yield url


def post(address: str, body: object, **keywords: object) -> httpx.Response:
    """Post JSON."""
    return httpx.post(address, json=body, **keywords)  # type: ignore[arg-type]


def test_scores_are_the_local_ones_mapped_to_0_1(address: str) -> None:
    """Every document is scored, best first, by the documented map of the backend's own scores."""
    reply = post(address, BODY)
    assert reply.status_code == 200
    results = reply.json()["results"]
    local = load_reranker("lexical").score(RerankRequest("q", "cat mat", tuple(DOCUMENTS), ("0", "1", "2")))
    mapped = to_unit(local.scores, "unbounded")
    assert {r["index"]: r["relevance_score"] for r in results} == dict(enumerate(mapped.tolist()))
    assert [r["relevance_score"] for r in results] == sorted(mapped.tolist(), reverse=True)
    assert reply.json()["model"] == "lexical"
    assert reply.json()["usage"]["total_tokens"] > 0
    assert float(reply.headers["X-Processing-Time-Ms"]) > 0
    assert reply.headers["X-Request-ID"]


def test_documents_may_be_strings_or_objects(address: str) -> None:
    """A string and {text} are the same document; unknown keys and null options are ignored."""
    objects = {
        **BODY,
        "documents": [{"text": d, "extra": 1} for d in DOCUMENTS],
        "top_n": None,
        "whatever": 3,
    }
    assert post(address, objects).json()["results"] == post(address, BODY).json()["results"]


def test_top_n_and_return_documents(address: str) -> None:
    """top_n cuts the sorted results; documents come back, as strings, only when asked for."""
    reply = post(address, {**BODY, "top_n": 2, "return_documents": True}).json()["results"]
    assert [r["document"] for r in reply] == [DOCUMENTS[r["index"]] for r in reply]
    assert len(reply) == 2
    assert len(post(address, {**BODY, "top_n": 50}).json()["results"]) == 3
    assert "document" not in post(address, BODY).json()["results"][0]


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"query": "q", "documents": ["d"]}, "missing_parameter", "model"),
        ({"model": "lexical", "documents": ["d"]}, "missing_parameter", "query"),
        ({"model": "lexical", "query": "q"}, "missing_parameter", "documents"),
        ({**BODY, "documents": []}, "invalid_parameter", "documents"),
        ({**BODY, "documents": [3]}, "invalid_parameter", "documents"),
        ({**BODY, "documents": ["d"] * 1001}, "invalid_parameter", "documents"),
        ({**BODY, "query": 3}, "invalid_parameter", "query"),
        ({**BODY, "top_n": 0}, "invalid_parameter", "top_n"),
        ({**BODY, "return_documents": "yes"}, "invalid_parameter", "return_documents"),
        ([1, 2], "invalid_request", None),
    ],
)
def test_a_bad_request_is_refused_in_the_apis_words(
    address: str, body: object, code: str, param: str | None
) -> None:
    """Every mistake is 400 with the API's own type, a stable code, a sentence and the offending key."""
    reply = post(address, body)
    error = reply.json()["error"]
    assert (reply.status_code, error["type"], error["code"], error.get("param")) == (
        400, "invalid_request_error", code, param,
    )  # fmt: skip
    assert error["message"]


def test_bad_json_and_unknown_paths(address: str) -> None:
    """A body that is no JSON is 400, a path that is not served 404, a wrong method 405: all as JSON."""
    assert httpx.post(address, content=b"{nope").json()["error"]["code"] == "invalid_request"
    elsewhere = httpx.get(address.replace("/rerank", "/nothing"))
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (404, "not_found")
    asked = httpx.get(address)
    assert (asked.status_code, asked.headers["allow"]) == (405, "POST")
    assert "/v1/rerank accepts POST, not GET" in asked.json()["error"]["message"]


def test_a_thousand_documents_are_allowed(address: str) -> None:
    """The documented maximum is served."""
    assert len(post(address, {**BODY, "documents": ["cat"] * 1000}).json()["results"]) == 1000


def test_models_and_health(address: str) -> None:
    """The service names its model and says that it is up; any model name 'any' is served."""
    assert httpx.get(address.replace("/rerank", "/models")).json()["data"][0]["id"] == "lexical"
    assert httpx.get(address.replace("/v1/rerank", "/health")).json() == {"status": "ok"}
    assert post(address, {**BODY, "model": "any"}).status_code == 200


def test_a_key_is_demanded_where_one_is_set() -> None:
    """With --api-key-env, a missing or wrong key is 401 and the right one is served."""
    with serving("--backend", "lexical", "--api-key-env", "TEST_KEY", env={"TEST_KEY": "right"}) as url:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic right"}):
            refused = post(url, BODY, headers=headers)
            assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
        assert post(url, BODY, headers={"Authorization": "Bearer right"}).status_code == 200


def test_settings_reach_the_backend() -> None:
    """--set changes a setting of the backend; an unknown one is refused before anything is served."""
    with serving("--backend", "lexical", "--set", "title_weight=9") as url:
        assert post(url, BODY).status_code == 200
    refused = evalkit("serve", "--backend", "lexical", "--set", "titel_weight=9")
    assert refused.returncode == 2
    assert "unknown key 'titel_weight'\n  hint: did you mean 'title_weight'?" in refused.stderr


SCORES = """\
name: scores
datasets: [demo]
rerankers:
  words: {backend: lexical}
  plain: {backend: http, dialect: llamacpp, url: "http://127.0.0.1:9/v1/rerank"}
  raw: {backend: http, dialect: llamacpp, url: "http://127.0.0.1:9/v1/rerank", scores: logit}
  ready: {backend: http, dialect: vllm, url: "http://127.0.0.1:9/v1/rerank", scores: probability}
"""


def test_the_start_says_how_the_scores_of_each_model_are_mapped(tmp_path: Path) -> None:
    """One line per model, after the line with the address; what is not known names its setting."""
    (tmp_path / "c.yaml").write_text(SCORES, encoding="utf-8")
    with start_evalkit("serve", "c.yaml", "--port", "0", cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("evalkit serves words, plain, raw, ready at ")
        lines = [process.stdout.readline().removesuffix("\n") for _ in range(4)]
        process.terminate()
    setting = "rerankers.plain.scores (with --backend: --set scores=KIND)"
    assert lines == [
        "scores of 'words': unbounded, mapped to 0..1 by the softsign",
        f"scores of 'plain': passed on as they come: what they mean is not known; set {setting}",
        "scores of 'raw': logits, mapped to 0..1 by the sigmoid",
        "scores of 'ready': probabilities, passed on unchanged",
    ]


def test_a_taken_port_is_one_clear_line(address: str) -> None:
    """A port in use is exit 3 with a way out."""
    port = address.rpartition(":")[2].partition("/")[0]
    done = evalkit("serve", "--backend", "lexical", "--port", port)
    assert done.returncode == 3
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_ctrl_c_stops_the_service_cleanly() -> None:
    """SIGINT ends the service without a traceback."""
    process = start_evalkit("serve", "--backend", "lexical", "--port", "0")
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert "Traceback" not in said


def test_a_cascade_is_served_with_its_stages(tmp_path: Path) -> None:
    """The order of the live cascade; scores are 1 / rank."""
    file = tmp_path / "c.yaml"
    file.write_text(
        "name: t\ndatasets: [demo]\nrerankers:\n  small: {backend: lexical}\n"
        "  large: {backend: lexical, mu: 10.0}\n"
        "  both: {backend: cascade, stages: [{reranker: small, keep: 2}, {reranker: large}]}\n",
        encoding="utf-8",
    )
    with serving(str(file), "--reranker", "both") as url:
        results = post(url, {**BODY, "model": "both"}).json()["results"]
    live = open_reranker(load_config(file).rerankers["both"])
    expected = live.score(RerankRequest("q", "cat mat", tuple(DOCUMENTS), ("0", "1", "2")))
    assert expected.order is not None
    assert [one["index"] for one in results] == expected.order.tolist()
    assert [one["relevance_score"] for one in results] == [1.0, 1 / 2, 1 / 3]
