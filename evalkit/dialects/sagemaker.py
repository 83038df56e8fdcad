"""Amazon SageMaker's ``POST /endpoints/{model}/invocations`` with Cohere's container of the AWS Marketplace.

The path is that of botocore's service model sagemaker-runtime 2017-05-13, the body that of cohere-ai/cohere-python
aws_client.py. The model of a configuration is the name of the endpoint. For other containers: `sagemaker_tei`, or the
container's dialect with the url of the endpoint and ``aws: {service: sagemaker}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.dialects.aws import AwsDialect
from evalkit.dialects.bedrock_invoke import COHERE_BODY
from evalkit.dialects.cohere_v2 import CohereV2
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.wire import WireRequest


class Sagemaker(AwsDialect):
    """SageMaker with Cohere's container: Cohere's body with its version, scores in 0..1, signed requests."""

    path = "/endpoints/{model}/invocations"
    served_at_own_path = True
    home = "https://runtime.sagemaker.{region}.amazonaws.com"
    aws_service = "sagemaker"
    shape = COHERE_BODY
    max_bytes = 6_291_456
    message_key = "Message"
    options = frozenset({"api_version", "max_tokens_per_doc"})

    def encode_request(self, request: WireRequest, options: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON body of a request."""
        body = super().encode_request(request, options)
        body.setdefault("api_version", 2)
        return body

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return what Cohere's reply has."""
        return CohereV2().reply_fields(facts)
