"""Novita AI's ``POST /openai/v1/rerank``, novita.ai/docs/api-reference/model-apis-llm-create-rerank."""

from __future__ import annotations

from evalkit.dialects.base import Dialect
from evalkit.dialects.shape import Shape


class Novita(Dialect):
    """Novita: best first, billed in tokens, score range not stated."""

    path = "/openai/v1/rerank"
    served_at_own_path = True
    home = "https://api.novita.ai"
    shape = Shape(return_documents=None)
