"""LocalAI's ``POST /v1/rerank`` (core/http/endpoints/jina/rerank.go at 82c191a).

The model is required; ``/jina/v1/rerank`` is the same endpoint, by LocalAI's list of error statuses. Documents are
always returned. Order and scores are those of the backend that runs the model; one of them counts words, not tokens, in
``usage``.
"""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import numbered_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError, WireRequest

_WRONG_TOP_N = 422
"""Status of a request with a number of results below one; every other malformed request has 400."""


class Localai(Dialect):
    """LocalAI: Jina's request, the backend's order and scores, documents always returned."""

    shape = Shape(return_documents=None)
    options = frozenset({"backend"})
    aliases = ("/jina/v1/rerank",)
    returns_documents = "always"
    further_refusal_statuses = frozenset({_WRONG_TOP_N})

    def decode_request(self, body: Any, path_model: str | None = None) -> WireRequest:
        """Read a request.

        Raises
        ------
        WireError
            See `ServedFormat.decode_request`; with another status if the number of results is wrong.
        """
        try:
            return super().decode_request(body, path_model)
        except WireError as error:
            if error.param == self.shape.top_n:
                error.status = _WRONG_TOP_N
            raise

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return tokens."""
        return facts.counted("prompt_tokens")

    def encode_error(self, error: WireError) -> Any:
        """Return ``{"error": {code, message, type}}`` with a number as code; a wrong ``top_n`` is a bare text."""
        return error.message if error.status == _WRONG_TOP_N else numbered_error(error)
