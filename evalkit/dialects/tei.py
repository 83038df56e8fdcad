"""Hugging Face text-embeddings-inference, ``POST /rerank`` (router/src/http at 0d124dc).

The reply is a list, not an object. There is no ``top_n``: unknown keys are ignored and the scores of all texts are
returned. A request may contain ``--max-client-batch-size`` texts, by default 32; ``GET /info`` returns the number. The
three partial times are means per pair in whole milliseconds, not request times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reading import TimeSource
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError
from evalkit.records import ScoreKind

_PER_PAIR = "mean per pair"


class Tei(Dialect):
    """Text Embeddings Inference: a bare list, 32 texts a request unless raised, usage in headers."""

    path = "/rerank"
    served_at_own_path = True
    shape = Shape(
        model=None,
        documents="texts",
        top_n=None,
        return_documents="return_text",
        results="",
        score="score",
        echo="text",
        echo_key=None,
        tokens=(),
    )
    score_kind = "probability"
    max_documents = 32
    max_bytes = 2_000_000
    options = frozenset({"truncate", "truncation_direction", "raw_scores"})
    aliases = aliases_at_root = ("/", "/invocations")
    token_header = "x-compute-tokens"
    server_times = (
        TimeSource("x-total-time"),
        TimeSource("x-queue-time", meaning=_PER_PAIR),
        TimeSource("x-tokenization-time", meaning=_PER_PAIR),
        TimeSource("x-inference-time", meaning=_PER_PAIR),
    )
    refusal_status = 422

    def kind_of_scores(self, options: Mapping[str, Any]) -> ScoreKind:
        """Return logit if raw scores are requested."""
        return "logit" if options.get("raw_scores") is True else self.score_kind

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"error", "error_type"}``."""
        return {"error": error.message, "error_type": "Validation" if error.status == 422 else "Backend"}
