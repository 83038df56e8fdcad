"""ZeroEntropy's ``POST /v1/models/rerank``, docs.zeroentropy.dev/api-reference/models/rerank.

Billed in bytes: for each pair 150, plus those of the query and of the document. Above the limit per minute the API
slows down (set a long ``timeout_s``), or returns 429 with ``options: {latency: fast}``.
"""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reading import TimeSource
from evalkit.dialects.refusals import detail_error
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


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

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"detail"}``."""
        return detail_error(error)
