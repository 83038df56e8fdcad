"""IBM watsonx.ai's ``POST /ml/v1/text/rerank?version=...``, cloud.ibm.com/apidocs/watsonx-ai and the vendor's SDKs.

The key is a token of IBM Cloud's IAM service. Set ``project_id`` or ``space_id`` under ``options``. Scores are the raw
outputs of cross-encoders: the SDK's own example has 2.9 and -0.9.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError

_VERSION = "2024-05-31"
"""Date of the version of the API that requests ask for."""


class Watsonx(Dialect):
    """watsonx.ai: ``inputs`` in, raw scores out, billed in tokens."""

    path = "/ml/v1/text/rerank"
    served_at_own_path = True
    home = "https://{location}.ml.cloud.ibm.com"
    shape = Shape(
        model="model_id",
        documents="inputs",
        document_key="text",
        top_n="parameters.return_options.top_n",
        return_documents="parameters.return_options.inputs",
        score="score",
        echo="input",
        tokens=("input_token_count",),
    )
    score_kind = "logit"
    options = frozenset({"project_id", "space_id", "parameters"})

    def url(self, model: str) -> str | None:
        """Return the address with the version of the API, with the placeholder ``{location}``."""
        return f"{super().url(model)}?version={_VERSION}"

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return the time of the reply."""
        return {"created_at": datetime.fromtimestamp(facts.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}

    def in_envelope(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body of a reply with ``model_id``."""
        return {"model_id": body["model"], **{key: value for key, value in body.items() if key != "model"}}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"trace", "errors": [{code, message}], "status_code"}``."""
        return {
            "trace": error.request_id,
            "errors": [{"code": error.code, "message": error.message}],
            "status_code": error.status,
        }
