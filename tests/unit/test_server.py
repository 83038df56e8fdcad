"""The service in this process, over backends that misbehave."""

from __future__ import annotations

import numpy as np
import pytest
from httpx import ASGITransport, AsyncClient

from evalkit.dialects.assisters import Assisters
from evalkit.errors import CallError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind
from evalkit.server.app import build_app


class Misbehaving:
    """A backend that answers with what it is given, or raises it."""

    pointwise = True
    score_kind: ScoreKind = "logit"

    def __init__(self, answer: list[float] | Exception) -> None:
        self._answer = answer

    def score(self, _request: RerankRequest) -> RerankResponse:
        """Answer."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return RerankResponse(np.array(self._answer, dtype=np.float64))

    def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    "answer", [[1.0, np.nan], [np.inf, 1.0], [1.0], CallError("backend", "no"), KeyError("x")]
)
def test_a_backends_failure_is_never_served_as_a_score(answer: list[float] | Exception) -> None:
    """NaN, infinity, too few scores or an exception of the backend are 500 in the API's words, never 200."""
    import anyio

    async def ask() -> tuple[int, dict[str, dict[str, str]]]:
        """Post one request to the application."""
        app = build_app(Misbehaving(answer), "m", Assisters())
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            reply = await client.post(
                "/v1/rerank", json={"model": "m", "query": "q", "documents": ["a", "b"]}
            )
            return reply.status_code, reply.json()

    status, body = anyio.run(ask)
    assert (status, body["error"]["type"], body["error"]["code"]) == (500, "server_error", "server_error")
