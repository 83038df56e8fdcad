"""Every dialect at its paths."""

from __future__ import annotations

import pytest
from support.services import BODY, Lengths, post

from evalkit import registry
from evalkit.dialects import WireRequest
from evalkit.server.app import build_app


@pytest.mark.parametrize("chosen", registry.names("dialect"))
def test_every_dialect_is_served_wherever_it_is_asked(chosen: str) -> None:
    """Each speaks at its own path behind its name whatever ``--dialect`` is, and at /v1/rerank where it is chosen."""
    app = build_app({"m": Lengths()}, chosen)
    dialect = registry.lookup("dialect", chosen)()
    asked = WireRequest("m", "q", ("a", "bbb"))
    body = dialect.encode_request(asked)
    paths = ["/v1/rerank"] if chosen == "generic" else ["/v1/rerank", f"/{chosen}{dialect.served_path('m')}"]
    if "{model}" in dialect.path:
        paths = paths[1:]  # the path names the model there
    for path in paths:
        reply = post(app, body, path=path)
        assert reply.status_code == 200, reply.text
        scores = dialect.decode_response(reply.json(), reply.headers, asked).scores
        assert scores[0] < scores[1]


def test_paths_that_dialects_share_are_told_apart_by_the_body() -> None:
    """At /rerank, ``texts`` are TEI's and ``documents`` Infinity's."""
    app = build_app({"m": Lengths()})
    assert isinstance(post(app, {"query": "q", "texts": ["a"]}, path="/rerank").json(), list)
    assert "results" in post(app, BODY, path="/rerank").json()
