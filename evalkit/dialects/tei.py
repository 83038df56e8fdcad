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
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError
from evalkit.errors import RefusedFor
from evalkit.records import ScoreKind

_PER_PAIR = "mean per pair"
_ERROR_TYPES = {400: "Empty", 413: "Validation", 422: "Validation", 429: "Overloaded", 503: "Unhealthy"}


class Tei(Dialect):
    """Text Embeddings Inference: a bare list, 32 texts a request unless raised, usage in headers."""

    path = "/rerank"
    served_at_own_path = True
    answers_at_root = True
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

    def refused_for(self, status: int, words: str) -> RefusedFor | None:
        """Return what was refused; an error of the type ``Tokenizer`` is one about a text."""
        if status == 422 and words.endswith("; Tokenizer"):
            return "text"
        return super().refused_for(status, words)

    def reply_headers(self, seconds: float, tokens: int, facts: ReplyFacts | None = None) -> dict[str, str]:
        """Return times in whole milliseconds, and counts."""
        total = str(round(seconds * 1000))
        headers = {"x-compute-time": total, "x-total-time": total, "x-compute-tokens": str(tokens)}
        if facts is None:
            return headers
        pairs = len(facts.request.documents)
        return headers | {
            "x-compute-type": "gpu+optimized",  # what TEI always sends, on any hardware
            "x-compute-characters": str(facts.characters),
            "x-tokenization-time": "0",  # part of the model's time here
            "x-queue-time": str(round(facts.queue_s * 1000)),
            "x-inference-time": str(round(facts.model_s * 1000 / pairs)),
        }

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"error", "error_type"}``."""
        return {"error": error.message, "error_type": _ERROR_TYPES.get(error.status, "Backend")}
