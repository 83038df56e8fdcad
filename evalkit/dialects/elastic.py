"""Elasticsearch's ``POST /_inference/rerank/{id}``, elasticsearch-specification; the model is the endpoint's id.

The specification's own example writes index and score as text. The upstream model determines order and range.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from evalkit.dialects.base import Dialect
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError

_VERSIONED = re.compile(r"application/vnd\.elasticsearch\+json; *compatible-with=(\d{1,3})")


class Elastic(Dialect):
    """Elasticsearch: ``input`` in, ``rerank[]`` out, an ``ApiKey`` header; reports no usage."""

    path = "/_inference/rerank/{model}"
    served_at_own_path = True
    shape = Shape(
        model=None,
        documents="input",
        results="rerank",
        text_numbers=True,
        echo="text",
        echo_key=None,
        tokens=(),
    )
    options = frozenset({"task_settings"})
    forms = RequestForms(
        single_document=True,
        top_n_elsewhere="task_settings.top_n",
        return_documents_elsewhere="task_settings.return_documents",
    )
    key_prefix = "ApiKey "
    constant_headers: ClassVar = {"x-elastic-product": "Elasticsearch"}

    def given_key(self, headers: Mapping[str, str]) -> str | None:
        """Return the API key of a request: an API key or its secret part, a bearer token, or a user's password."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return given or None
        if scheme.lower() == "basic":
            return _secret(given)
        key = super().given_key(headers)
        return (_secret(key) or key) if key else None

    def media_type(self, accepted: str) -> str:
        """Return Elasticsearch's own media type if the client asks for one; its clients send a version."""
        wanted = _VERSIONED.search(accepted)
        if wanted is None:
            return super().media_type(accepted)
        return f"application/vnd.elasticsearch+json;compatible-with={wanted.group(1)}"

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"error": {root_cause, type, reason}, "status"}``."""
        cause = {"type": error.code, "reason": error.message}
        return {"error": {"root_cause": [cause], **cause}, "status": error.status}


def _secret(encoded: str) -> str | None:
    """Return what follows the colon in base64 of ``NAME:SECRET``; None if a text is not that."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return None
    return text.partition(":")[2] or None
