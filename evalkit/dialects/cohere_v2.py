"""Cohere's ``POST /v2/rerank``, docs.cohere.com/v2/reference/rerank.

Documents are strings and are never returned. Longer ones are silently truncated to ``max_tokens_per_doc``.
"""

from __future__ import annotations

from evalkit.dialects.cohere_v1 import CohereV1
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape


class CohereV2(CohereV1):
    """Cohere v2: scores in 0..1, best first, billed in search units."""

    path = "/v2/rerank"
    served_at_own_path = True
    shape = Shape(
        return_documents=None,
        units=("meta.billed_units.search_units",),
        tokens=("meta.tokens.input_tokens",),
    )
    options = frozenset({"max_tokens_per_doc", "priority", "relevant_spans"})
    api_version = "2"
    forms = RequestForms(unchanging={"relevant_spans": ({"mode": "disabled"},)})
