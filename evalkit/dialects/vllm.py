"""vLLM's ``POST /v1/rerank`` (vllm/entrypoints/pooling/scoring).

``top_n: 0`` means all, documents are always returned, and only paths that start with ``/v1`` require the key. What a
score means depends on the model: sigmoid for classifiers, cosine for embedders, MaxSim for late interaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import numbered_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError, WireRequest
from evalkit.records import ScoreKind

NOT_APPLIED: Mapping[str, tuple[Any, ...]] = {"chat_template_kwargs": ({},)}
"""Options of vLLM that would change the prompt -> the values that do not."""


class Vllm(Dialect):
    """vLLM: best first, billed in tokens, score range by model."""

    shape = Shape(instruction="instruction", return_documents=None)
    options = frozenset(
        {
            "truncate_prompt_tokens",
            "truncation_side",
            "max_tokens_per_query",
            "max_tokens_per_doc",
            "instruction",
            "use_activation",
            "priority",
            "user",
        }
    )
    aliases: ClassVar[tuple[str, ...]] = ("/rerank", "/v2/rerank")
    aliases_at_root: ClassVar[tuple[str, ...]] = ("/v2/rerank",)
    forms = RequestForms(
        model_optional=True,
        top_n_means_all=range(1),
        single_document=True,
        media=True,
        unchanging=NOT_APPLIED,
    )
    returns_documents: ClassVar[Literal["if asked", "always"]] = "always"

    def kind_of_scores(self, options: Mapping[str, Any]) -> ScoreKind:
        """Return logit if the activation is off."""
        return "logit" if options.get("use_activation") is False else self.score_kind

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return ID and tokens."""
        return {"id": f"rerank-{facts.request_id}", **facts.counted("prompt_tokens")}

    def returned_document(self, request: WireRequest, index: int) -> dict[str, Any]:
        """Return the text; there are no images."""
        return {"document": {"text": request.documents[index], "multi_modal": None}}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"error": {message, type, param, code}}`` with a number as code."""
        return numbered_error(error)
