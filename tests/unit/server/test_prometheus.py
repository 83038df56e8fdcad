"""What a service counts."""

from __future__ import annotations

from support.services import BODY, Lengths, get, post

from evalkit.server.app import build_app


def test_what_is_counted_is_what_was_served() -> None:
    """Prometheus reads requests, pairs and tokens by model, and refusals by status."""
    app = build_app({"m": Lengths()})
    post(app, BODY)
    post(app, {**BODY, "documents": ["a"] * 5}, path="/v2/rerank")
    post(app, {**BODY, "documents": []})
    page = get(app, "/metrics").text
    for line in (
        'evalkit_requests_total{dialect="assisters",model="m",status="200"} 1.0',
        'evalkit_requests_total{dialect="cohere_v2",model="m",status="200"} 1.0',
        'evalkit_requests_total{dialect="assisters",model="none",status="400"} 1.0',
        'evalkit_pairs_total{model="m"} 7.0',
        'evalkit_tokens_total{model="m"} 7.0',
        'evalkit_waiting_pairs{model="m"} 0.0',
    ):
        assert line in page
