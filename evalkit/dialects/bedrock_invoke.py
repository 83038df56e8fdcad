"""Amazon Bedrock's ``POST /model/{model}/invoke`` with a rerank model of Cohere or Amazon.

The path is that of botocore's service model bedrock-runtime 2023-09-30; the bodies are those of
docs.aws.amazon.com/bedrock/latest/userguide/rerank-supported.html: Cohere's without ``model`` and with
``api_version: 2``, Amazon's without both. A model rejects keys that it does not know. Cohere's client reads tokens from
a header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.dialects.aws import AwsDialect
from evalkit.dialects.reading import TimeSource
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireRequest

_LATENCY = "x-amzn-bedrock-invocation-latency"
COHERE_BODY = Shape(
    model=None,
    return_documents=None,
    units=("meta.billed_units.search_units",),
    tokens=("meta.tokens.input_tokens",),
)
"""Cohere's body where the path names the model."""


class BedrockInvoke(AwsDialect):
    """Bedrock InvokeModel: Cohere's body with its version, or Amazon's; scores in 0..1, signed requests."""

    path = "/model/{model}/invoke"
    served_at_own_path = True
    home = "https://bedrock-runtime.{region}.amazonaws.com"
    aws_service = "bedrock"
    shape = COHERE_BODY
    max_bytes = 25_000_000
    options = frozenset({"api_version", "max_tokens_per_doc"})
    server_times = (TimeSource(_LATENCY),)
    token_header = "x-amzn-bedrock-input-token-count"

    def encode_request(self, request: WireRequest, options: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON body of a request; Amazon's own models have no ``api_version``."""
        body = super().encode_request(request, options)
        if "amazon.rerank" not in request.model:
            body.setdefault("api_version", 2)
        return body

    def reply_headers(self, seconds: float, tokens: int, facts: ReplyFacts | None = None) -> dict[str, str]:
        """Return the time in whole milliseconds, and tokens."""
        return {**super().reply_headers(seconds, tokens, facts), _LATENCY: str(round(seconds * 1000))}
