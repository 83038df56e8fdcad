"""Metadata of a model that does not depend on its runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalkit.encoding.tokens import TokenRules


@dataclass(frozen=True, slots=True)
class Card:
    """Metadata of a model. Saved as JSON with an exported model.

    Attributes
    ----------
    rules
        Settings of its tokenizer.
    labels
        Output column -> label, for a cross-encoder; a single column if the model returns one logit.
    prompts
        Prompt name -> text that the model expects before an input.
    default_prompt
        Prompt used if none is configured; None for no prompt.
    """

    rules: TokenRules
    labels: Mapping[int, str] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
