"""vLLM's ``POST /v1/score``: one text against many, in input order."""

from __future__ import annotations

from typing import Any, ClassVar

from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.vllm import NOT_APPLIED, Vllm


class VllmScore(Vllm):
    """vLLM's score API: ``text_1`` against ``text_2``, in input order."""

    path = "/v1/score"
    served_at_own_path = True
    shape = Shape(
        query="text_1",
        documents="text_2",
        instruction="instruction",
        top_n=None,
        return_documents=None,
        results="data",
        score="score",
    )
    sorted = False
    aliases = aliases_at_root = ("/score",)
    forms = RequestForms(
        model_optional=True,
        media=True,
        pairs=(("text_1", "text_2"), ("queries", "documents"), ("queries", "items"), ("data_1", "data_2")),
        unchanging=NOT_APPLIED,
    )
    returns_documents = "if asked"
    result_constants: ClassVar = {"object": "score"}

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return ID, type of the object, time and tokens."""
        return {
            "id": f"score-{facts.request_id}",
            "object": "list",
            "created": facts.created,
            **facts.counted("prompt_tokens", "completion_tokens"),
        }
