"""What there is to know of a model, whatever runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalkit.encoding.tokens import TokenRules


@dataclass(frozen=True, slots=True)
class Card:
    """A model, told in plain values.

    Attributes
    ----------
    rules
        How its tokenizer is used.
    labels
        Of a cross-encoder: column -> name; one column where it gives one logit.
    prompts
        Name -> text that it was trained to see before a text.
    default_prompt
        The text it wants where nobody names one; None for none.
    """

    rules: TokenRules
    labels: Mapping[int, str] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
