"""Scores on the scale of a reply: logits where an API gives those, 0 to 1 where the meaning is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.services import Scripted, get, post

from evalkit.config import reranker_settings
from evalkit.records import RerankRequest, RerankResponse, ScoreKind
from evalkit.rerankers import open_reranker
from evalkit.rerankers.http import Http
from evalkit.server.app import build_app
from evalkit.server.unit_scores import ScoreScale

REQUEST = {"model": "m", "query": "q", "documents": ["a", "b"]}
PATHS = ("/v1/rerank", "/vllm/v1/rerank", "/jina/v1/rerank")


def of_kind(kind: ScoreKind, scores: list[float]) -> Scripted:
    """Return a backend with scores of a kind."""
    backend = Scripted(scores)
    backend.score_kind = kind
    return backend


def served(backend: Any, path: str = "/v1/rerank") -> list[float]:
    """Return the scores in a reply, by document."""
    results = post(build_app({"m": backend}), REQUEST, path=path).json()["results"]
    return [one["relevance_score"] for one in sorted(results, key=lambda one: one["index"])]


def test_raw_scores_are_the_logits() -> None:
    """Where an API gives logits, or is asked to, they are the model's own; elsewhere their sigmoid."""
    app = build_app({"m": Scripted([-3.0, 2.0])})
    raw = post(app, {"query": "q", "texts": ["a", "b"], "raw_scores": True}, path="/rerank").json()
    assert [one["score"] for one in raw] == [2.0, -3.0]
    assert 0 < post(app, {"query": "q", "texts": ["a", "b"]}, path="/rerank").json()[0]["score"] < 1
    nim = {"model": "m", "query": {"text": "q"}, "passages": [{"text": "a"}, {"text": "b"}]}
    assert [one["logit"] for one in post(app, nim, path="/v1/ranking").json()["rankings"]] == [2.0, -3.0]
    assert served(Scripted([-3.0, 2.0]), "/llamacpp/v1/rerank") == [-3.0, 2.0]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("kind", "scores", "expected"),
    [
        ("probability", [0.99995, 0.00005], [0.99995, 0.00005]),
        ("unknown", [0.99995, 0.00005], [0.99995, 0.00005]),
        ("unknown", [7.5, -2.0], [7.5, -2.0]),
        ("rank", [1.0, 0.5], [1.0, 0.5]),
        ("logit", [0.0, np.log(3)], [0.5, 0.75]),
        ("cosine", [-1.0, 0.5], [0.0, 0.75]),
        ("unbounded", [1.0, -3.0], [0.75, 0.125]),
    ],
)
def test_each_kind_is_mapped_once_at_every_path(
    path: str, kind: ScoreKind, scores: list[float], expected: list[float]
) -> None:
    """A probability is never made a probability again; scores of unknown meaning are passed on."""
    assert served(of_kind(kind, scores), path) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("kind", "score"), [("probability", 3.5), ("probability", -0.1), ("cosine", 1.5)])
def test_a_score_outside_its_range_is_an_error(kind: ScoreKind, score: float) -> None:
    """It is not what it is declared to be, so no number is returned."""
    reply = post(build_app({"m": of_kind(kind, [0.5, score])}), REQUEST)
    assert reply.status_code == 500
    message = reply.json()["error"]["message"]
    assert message.startswith(f"a score is {score:g}, but scores declared as {kind} are ")
    assert message.endswith("; correct the score_kind of the backend")


def remote(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Any:
    """Return an API whose replies have the scores 3.5 and 0.5."""

    def score(_self: Http, _request: RerankRequest) -> RerankResponse:
        return RerankResponse(np.array([3.5, 0.5]))

    monkeypatch.setattr(Http, "score", score)
    block = {"backend": "http", "url": "http://127.0.0.1:9/v1/rerank", "dialect": "llamacpp", **settings}
    return open_reranker(reranker_settings(block))


def test_the_stated_kind_of_an_api_decides_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one, its scores are passed on."""
    assert served(remote(monkeypatch)) == [3.5, 0.5]
    assert served(remote(monkeypatch, scores="logit")) == pytest.approx(
        [1 / (1 + np.exp(-3.5)), 0.62246], 1e-5
    )
    refused = post(build_app({"m": remote(monkeypatch, scores="probability")}), REQUEST)
    assert refused.status_code == 500
    assert "correct rerankers.m.scores" in refused.json()["error"]["message"]


def test_the_models_page_names_kind_and_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the list, and at the address of each model."""
    app = build_app({"a": Scripted([1.0]), "b": remote(monkeypatch)})
    found = {one["id"]: one for one in get(app, "/v1/models").json()["data"]}
    assert (found["a"]["score_kind"], found["a"]["score_mapping"]) == ("logit", "sigmoid")
    assert (found["b"]["score_kind"], found["b"]["score_mapping"]) == ("unknown", "none")
    assert get(app, "/v1/models/b").json() == found["b"]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("probability", "probabilities, passed on unchanged"),
        ("logit", "logits, mapped to 0..1 by the sigmoid"),
        ("cosine", "cosines, mapped to 0..1 by (1 + s) / 2"),
        ("unbounded", "unbounded, mapped to 0..1 by the softsign"),
        ("rank", "1 / rank, passed on unchanged"),
        ("unknown", "passed on as they come: what they mean is not known; set rerankers.m.scores"),
    ],
)
def test_a_sentence_says_what_scores_mean(kind: ScoreKind, sentence: str) -> None:
    """With the setting that would state it, where the backend has one."""
    assert ScoreScale(kind, "rerankers.m.scores").sentence() == sentence
    assert "set " not in ScoreScale(kind).sentence()
