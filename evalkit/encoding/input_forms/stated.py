"""The input form that a configuration states."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from evalkit.config import Settings
from evalkit.encoding.input_forms.form import INSTRUCTION, SLOTS, InputForm
from evalkit.encoding.input_forms.heads import ClassifierHead, Head, TokenHead

_Token = Annotated[int, Field(ge=0, le=10_000_000)] | Annotated[str, Field(max_length=1_000)]


class PromptSettings(Settings):
    """The text in which a model reads a pair, and the tokens that it answers with.

    Attributes
    ----------
    template
        Text with ``{query}`` and ``{document}``, and ``{instruction}`` where the model takes one. Line breaks and
        special tokens such as ``<|im_start|>`` are written as they are.
    true_token, false_token
        For a causal model: the tokens that mean relevant and not relevant, by their text or their number in the
        vocabulary (a text of digits needs quotes: ``'1'``). The score is the difference of their logits; without
        ``false_token``, it is the logit of ``true_token``.
    """

    template: str = Field(min_length=1, max_length=100_000)
    true_token: _Token | None = None
    false_token: _Token | None = None

    @model_validator(mode="after")
    def _has_both_texts(self) -> PromptSettings:
        for slot in SLOTS:
            count = len(re.findall(re.escape(f"{{{slot}}}"), self.template))
            if count != 1:
                raise ValueError(f"template must contain {{{slot}}} once, and contains it {count} times")
        if self.template.count(INSTRUCTION) > 1:
            raise ValueError(f"template must contain {INSTRUCTION} at most once")
        return self

    @model_validator(mode="after")
    def _has_two_tokens(self) -> PromptSettings:
        if self.false_token is not None and self.true_token is None:
            raise ValueError("false_token needs true_token: set both, or true_token alone")
        if self.true_token is not None and self.true_token == self.false_token:
            raise ValueError("true_token and false_token are the same, so every score would be 0")
        return self

    @property
    def form(self) -> InputForm:
        """The form of the template, which the tokenizer reads as one text with its special tokens."""
        return InputForm("prompt", (self.template,), special_tokens=True)

    @property
    def head(self) -> Head:
        """What is read of the model."""
        if self.true_token is None:
            return ClassifierHead()
        return TokenHead(self.true_token, self.false_token, configured=True)
