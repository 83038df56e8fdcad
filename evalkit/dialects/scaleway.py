"""Scaleway's ``POST /v1/rerank``, in Jina's shape (litellm; volcengine/OpenViking pull 4040).

``top_n`` is required: a request without it is rejected with 400.
"""

from __future__ import annotations

from evalkit.dialects.base import Dialect
from evalkit.dialects.shape import Shape


class Scaleway(Dialect):
    """Scaleway: Jina's shape with a required ``top_n``, billed in tokens, score range not stated."""

    home = "https://api.scaleway.ai"
    shape = Shape(return_documents=None)
    needs_top_n = True
