"""Isaacus' ``POST /v1/rerankings``, docs.isaacus.com: long texts are chunked, long queries rejected."""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import problem_error
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


class Isaacus(Dialect):
    """Isaacus: ``texts`` in, ``results[].score`` in 0..1 out, best first."""

    path = "/v1/rerankings"
    served_at_own_path = True
    home = "https://api.isaacus.com"
    shape = Shape(documents="texts", return_documents=None, score="score", tokens=("usage.input_tokens",))
    score_kind = "probability"
    options = frozenset({"is_iql", "scoring_method", "chunking_options"})
    forms = RequestForms(unchanging={"is_iql": (False,), "scoring_method": ("auto",)})
    idempotency_header = "Idempotency-Key"

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return an RFC 7807 problem."""
        return problem_error(error)
