"""Amazon Bedrock's ``POST /rerank``, docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Rerank.html.

The schema is that of botocore's service model bedrock-agent-runtime 2023-07-26: one query, 1 to 1,000 sources, texts of
1 to 32,000 characters, no other keys. A reply may be one page of several (``nextToken``). No usage is reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalkit.dialects.aws import AwsDialect
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape, dig, put
from evalkit.dialects.wire import WireError, WireRequest
from evalkit.errors import RefusedFor

_MODEL = "rerankingConfiguration.bedrockRerankingConfiguration.modelConfiguration.modelArn"
_LENGTH = re.compile(r"length (?:less|greater) than or equal to")


class Bedrock(AwsDialect):
    """Bedrock Rerank: lists of nested objects, scores in 0..1, 1,000 documents at most, signed requests."""

    path = "/rerank"
    home = "https://bedrock-agent-runtime.{region}.amazonaws.com"
    aws_service = "bedrock"
    shape = Shape(
        model=_MODEL,
        query="queries",
        documents="sources",
        top_n="rerankingConfiguration.bedrockRerankingConfiguration.numberOfResults",
        return_documents=None,
        score="relevanceScore",
        tokens=(),
    )
    options = frozenset({"rerankingConfiguration"})
    forms = RequestForms(other_keys="always")
    paginates = True
    # "The number of requests exceeds the service quota. Resubmit your request later."
    transient_errors = frozenset({"ServiceQuotaExceededException"})

    def encode_request(self, request: WireRequest, options: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON body of a request; a model without ARN is a foundation model of the region."""
        body = super().encode_request(request, options)
        body["queries"] = [{"type": "TEXT", "textQuery": {"text": request.query}}]
        put(body, "rerankingConfiguration.type", "BEDROCK_RERANKING_MODEL")
        put(body, _MODEL, self._arn(request.model))
        return body

    def _encode_document(self, _index: int, text: str) -> Any:
        return {
            "type": "INLINE",
            "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}},
        }

    def _arn(self, model: str) -> str:
        if self.region is None or model.startswith("arn:"):
            return model
        partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(self.region.rsplit("-", 2)[0], "aws")
        return f"arn:{partition}:bedrock:{self.region}::foundation-model/{model}"

    def decode_request(self, body: Any, path_model: str | None = None) -> WireRequest:
        """Read a request.

        Raises
        ------
        WireError
            If it is not one query and a list of sources with texts.
        """
        plain = body
        if isinstance(body, dict):
            plain = {**body, "queries": self._query(body), "sources": self._texts(body)}
        return super().decode_request(plain, path_model)

    def _query(self, body: dict[str, Any]) -> Any:
        queries = body.get("queries")
        if queries is None:
            return None
        if not isinstance(queries, list) or len(queries) != 1:
            raise WireError(
                self.refusal_status, "invalid_parameter", "'queries' must hold one query", "queries"
            )
        return dig(queries[0], "textQuery.text")

    def _texts(self, body: dict[str, Any]) -> Any:
        sources = body.get("sources")
        if not isinstance(sources, list):
            return sources
        return [_text(dig(source, "inlineDocumentSource")) for source in sources]

    def query_schema(self, text: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON schema of the queries."""
        query = {"type": "object", "required": ["textQuery"], "properties": {"textQuery": _text_object(text)}}
        return {"type": "array", "minItems": 1, "maxItems": 1, "items": query}

    def document_schema(self, _document: dict[str, Any], text: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON schema of a source."""
        json: dict[str, Any] = {"anyOf": [text, {"type": "object", "minProperties": 1}]}
        inline = {
            "type": "object",
            "anyOf": [
                {"required": ["jsonDocument"], "properties": {"jsonDocument": json}},
                {
                    "required": ["textDocument"],
                    "properties": {"textDocument": _text_object(text), "jsonDocument": {"type": "null"}},
                },
            ],
        }
        return {
            "type": "object",
            "required": ["inlineDocumentSource"],
            "properties": {"inlineDocumentSource": inline},
        }

    def next_page(self, sent: Any, page: Any) -> Any | None:
        """Return the request for the next page of a reply; None if the reply is complete."""
        token = dig(page, "nextToken")
        return {**sent, "nextToken": token} if isinstance(token, str) and token else None

    def refused_for(self, status: int, message: str) -> RefusedFor | None:
        """Return what violates a limit on lengths: a text, or the number of sources."""
        if status != 400 or not _LENGTH.search(message):
            return super().refused_for(status, message)
        return "text" if ".text'" in message else "documents"


def _text(inline: Any) -> Any:
    """Return the text of a document, or a JSON document, whose values are all ranked."""
    as_json = dig(inline, "jsonDocument")
    return dig(inline, "textDocument.text") if as_json is None else as_json


def _text_object(text: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": ["text"], "properties": {"text": text}}
