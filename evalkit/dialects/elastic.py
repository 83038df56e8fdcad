"""Elasticsearch's ``POST /_inference/rerank/{id}``, elasticsearch-specification; the model is the endpoint's id.

The specification's own example writes index and score as text. The upstream model determines order and range.
"""

from __future__ import annotations

import re
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
