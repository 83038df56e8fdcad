"""Scores as a dialect wants them: logits or 0 to 1."""

from __future__ import annotations

from support.services import Scripted, post

from evalkit.server.app import build_app


def test_raw_scores_are_the_logits() -> None:
    """Where an API gives logits, or is asked to, they are the model's own; elsewhere their sigmoid."""
    app = build_app({"m": Scripted([-3.0, 2.0])})
    raw = post(app, {"query": "q", "texts": ["a", "b"], "raw_scores": True}, path="/rerank").json()
    assert [one["score"] for one in raw] == [2.0, -3.0]
    assert 0 < post(app, {"query": "q", "texts": ["a", "b"]}, path="/rerank").json()[0]["score"] < 1
    nim = {"model": "m", "query": {"text": "q"}, "passages": [{"text": "a"}, {"text": "b"}]}
    assert [one["logit"] for one in post(app, nim, path="/v1/ranking").json()["rankings"]] == [2.0, -3.0]
