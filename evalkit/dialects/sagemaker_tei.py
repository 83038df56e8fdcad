"""Amazon SageMaker's ``POST /endpoints/{model}/invocations`` with the container of Text Embeddings Inference.

The container accepts at ``/invocations`` what it accepts at ``/rerank`` (router/src/http at 0d124dc); SageMaker passes
on no headers of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.dialects.aws import AwsDialect
from evalkit.dialects.tei import Tei
from evalkit.records import ScoreKind


class SagemakerTei(AwsDialect):
    """SageMaker with TEI's container: a bare list, 32 texts a request unless raised, signed requests."""

    path = "/endpoints/{model}/invocations"
    served_at_own_path = True
    home = "https://runtime.sagemaker.{region}.amazonaws.com"
    aws_service = "sagemaker"
    shape = Tei.shape
    max_documents = Tei.max_documents
    max_bytes = Tei.max_bytes
    strict = Tei.strict
    message_key = "Message"
    options = Tei.options

    def kind_of_scores(self, options: Mapping[str, Any]) -> ScoreKind:
        """Return logit if raw scores are requested."""
        return Tei().kind_of_scores(options)
