"""Settings of the `listwise` backend."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from evalkit.config import Traffic, Weight
from evalkit.config.settings import PositiveInt
from evalkit.rerankers.chat_access import ChatAccess
from evalkit.rerankers.list_questions import EQUIVALENT, LABEL, RELEVANT, ask_for_order, one_line
from evalkit.rerankers.permutations import windows
from evalkit.rerankers.prompt_hash import list_prompts_sha256
from evalkit.rerankers.remote_settings import RemoteSettings

ANSWER_TOKENS = 5
"""Tokens that a model writes per document of a window: ``[12] > ``."""


class ListwiseSettings(ChatAccess, RemoteSettings):
    """Settings of `listwise`.

    Attributes
    ----------
    window
        Documents per request.
    step
        Positions by which the window moves towards the top of the list; must be less than ``window``.
    passes
        Passes over the list. Each pass can move up to ``window - step`` documents to the top.
    max_document_characters
        Longer documents are truncated in the prompt. The report shows how many.
    instruction
        Definition of relevance. A query with an instruction of its own is asked with that one instead.
    unreadable
        What to do with an answer that names no document. ``fail``: the call fails and is retried. ``keep``:
        the window keeps its order, and the report counts its documents.
    """

    backend: Literal["listwise"] = "listwise"
    window: Annotated[int, Field(ge=2, le=1000)] = 20
    step: PositiveInt = 10
    passes: Annotated[int, Field(ge=1, le=100)] = 1
    max_document_characters: PositiveInt = 2000
    instruction: str = RELEVANT
    unreadable: Literal["fail", "keep"] = "fail"

    wording_key: ClassVar[str] = "instruction"

    @model_validator(mode="after")
    def _is_consistent(self) -> ListwiseSettings:
        if self.step >= self.window:
            raise ValueError(
                f"needs a step below window {self.window} (given: {self.step}), so that windows overlap"
            )
        return self

    @property
    def is_pointwise(self) -> bool:
        """Always false: a document's rank depends on the whole list."""
        return False

    def spans(self, documents: int) -> list[tuple[int, int]]:
        """Return the start and end of the windows of all passes over a list, in the order of the calls."""
        return [*windows(documents, self.window, self.step)] * self.passes

    def equivalent_wording(self) -> str | None:
        """Return another default definition of relevance; None if the configuration sets one."""
        return EQUIVALENT.get(self.instruction)

    @property
    def prompt_sha256(self) -> str:
        """Hash of the questions for fixed texts."""
        return list_prompts_sha256(ask_for_order, one_line, self.instruction)

    def traffic(self) -> Traffic:
        """Return retries, rate limits, request limits and prices."""
        return replace(super().traffic(), weigh=self.weigh)

    def weigh(self, query: str, documents: tuple[str, ...]) -> Weight:
        """Return the size of the call for a list, summed over its windows, each of which is one request."""
        spans = self.spans(len(documents))
        frame = len(ask_for_order(query, (), self.instruction))
        lengths = [min(len(text), self.max_document_characters) + LABEL for text in documents]
        return Weight(
            characters=sum(frame + sum(lengths[start:end]) for start, end in spans),
            requests=len(spans),
            answer_tokens=sum(end - start for start, end in spans) * ANSWER_TOKENS,
            most_answer_tokens=len(spans) * self.most_answer_tokens,
        )
