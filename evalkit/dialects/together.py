"""Together's ``POST /v1/rerank``, togethercomputer/openapi: a key that is not listed there is rejected."""

from __future__ import annotations

from evalkit.dialects.base import Dialect
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape


class Together(Dialect):
    """Together: best first, billed in tokens, score range not stated."""

    home = "https://api.together.ai"
    shape = Shape(objects=True)
    options = frozenset({"rank_fields"})
    forms = RequestForms(rank_fields="rank_fields", other_keys="always")
    strict = True
