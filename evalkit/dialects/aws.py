"""What the dialects of Amazon Web Services share: addresses with a region, signed requests, error bodies."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self
from urllib.parse import quote

from evalkit.dialects.base import Dialect
from evalkit.dialects.wire import WireError, WireRequest

_SIGNED_BY = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/")
_FOUNDATION_MODEL = re.compile(r"arn:aws[a-z-]*:bedrock:[a-z0-9-]*::foundation-model/(.+)")
_ERROR_TYPES = {
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


class AwsDialect(Dialect):
    """A service of AWS: requests are signed with Signature Version 4, or have a Bedrock API key as a bearer token.

    Our server does not verify signatures: the access key ID of a signed request is its API key.
    """

    region: str | None = None
    strict = True
    score_kind = "probability"
    max_documents = 1000
    message_key: ClassVar[str] = "message"
    """Key of the message in an error body."""

    def url(self, model: str) -> str | None:
        """Return the address for a model, with the placeholder ``{region}`` if no region is known.

        A model's colons and slashes are escaped, as in ``cohere.rerank-v3-5%3A0``.
        """
        if self.home is None:
            return None
        return self.home + self.path.replace("{model}", quote(model, safe=""))

    def in_region(self, region: str | None) -> Self:
        """Return the dialect for a region."""
        located = copy.copy(self)
        located.region = region
        return located

    def given_key(self, headers: Mapping[str, str]) -> str | None:
        """Return the bearer token of a request, or the access key ID of a signed one; the signature is not verified."""
        signed = _SIGNED_BY.match(headers.get("authorization", ""))
        return signed[1] if signed else super().given_key(headers)

    def decode_request(self, body: Any, path_model: str | None = None) -> WireRequest:
        """Read a request; the ARN of a foundation model is read as the model's name.

        Raises
        ------
        WireError
            See `ServedFormat.decode_request`.
        """
        request = super().decode_request(body, path_model)
        named = _FOUNDATION_MODEL.fullmatch(request.model)
        return replace(request, model=named[1]) if named else request

    def in_envelope(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body of a reply, which does not name the model."""
        return {key: value for key, value in body.items() if key != "model"}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"message", "__type"}``, which AWS's clients read."""
        kind = _ERROR_TYPES.get(error.status, "ValidationException")
        return {self.message_key: error.message, "__type": kind}
