"""Assisters' ``POST /v1/rerank``, docs.assisters.dev/api-reference/rerank.

Three published descriptions of this API disagree. Decoding accepts all of them: usage in tokens, in search units,
or absent; documents echoed as text or as ``{"text": ...}`` (never read: results are mapped by index). Encoding
follows the current description.
"""

from __future__ import annotations

from evalkit.dialects.base import Dialect
from evalkit.dialects.reading import TimeSource
from evalkit.dialects.shape import Shape


class Assisters(Dialect):
    """Assisters: scores in 0..1, best first, 1000 documents at most."""

    home = "https://api.assisters.dev"
    shape = Shape(objects=True, echo_key=None, units=("meta.billed_units.search_units",))
    score_kind = "probability"
    max_documents = 1000
    idempotency_header = "Idempotency-Key"
    server_times = (TimeSource("x-processing-time-ms"),)
