"""ZeroEntropy's ``POST /v1/models/rerank``, docs.zeroentropy.dev/api-reference/models/rerank.

Billed in bytes: for each pair 150, plus those of the query and of the document. Above the limit per minute the API
slows down (set a long ``timeout_s``), or returns 429 with ``options: {latency: fast}``.
"""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reading import TimeSource
from evalkit.dialects.refusals import detail_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError

_BYTES_PER_PAIR = 150
"""Bytes billed for each pair in addition to those of its texts."""


class Zeroentropy(Dialect):
    """ZeroEntropy: scores in 0..1, best first, 5 MB a request, bytes and times in the reply."""

    path = "/v1/models/rerank"
    served_at_own_path = True
    home = "https://api.zeroentropy.dev"
    shape = Shape(return_documents=None, tokens=("total_tokens",), billed_bytes=("total_bytes",))
    score_kind = "probability"
    max_bytes = 5_000_000
    options = frozenset({"latency"})
    idempotency_header = "Idempotency-Key"
    server_times = (
        TimeSource("e2e_latency", 1.0, in_body=True),
        TimeSource("inference_latency", 1.0, "inference", in_body=True),
    )

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return times and the bytes that the API would bill."""
        return {
            "actual_latency_mode": "fast",
            "e2e_latency": facts.total_s,
            "inference_latency": facts.model_s,
            "total_bytes": _BYTES_PER_PAIR * len(facts.request.documents) + facts.utf8_bytes,
        }

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"detail"}``."""
        return detail_error(error)
