"""Settings of the passages that are made of long documents."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from evalkit.config.input_paths import ModelName
from evalkit.config.settings import Settings, with_hint
from evalkit.errors import InputError

PassageRule = Literal["max", "first", "mean_top3"]
"""How the scores of a document's passages become its score: the highest, that of the first passage, or the mean of the
three highest."""
MOST_TOKENS = 1_000_000
"""Most tokens of a passage."""


class PassageSettings(Settings):
    """Passages of documents: rerankers score these, and a document's score is combined from theirs.

    Attributes
    ----------
    tokens
        Tokens of a passage. The last passage of a document may be shorter.
    overlap
        Tokens that a passage shares with the next one, fewer than ``tokens``.
    combine
        How the scores of a document's passages become its score: ``max``, the highest; ``first``, that of the first
        passage; ``mean_top3``, the mean of the three highest, or of all where there are fewer. Another rule needs no
        further call.
    tokenizer
        Tokenizer that counts the tokens: a ``tokenizer.json`` file, a folder that contains one, or a model of the
        Hugging Face hub. Use that of the model that is measured.
    """

    tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] = 256
    overlap: Annotated[int, Field(ge=0, le=MOST_TOKENS)] = 32
    combine: PassageRule = "max"
    tokenizer: ModelName

    @model_validator(mode="after")
    def _check_overlap(self) -> PassageSettings:
        if self.overlap >= self.tokens:
            message = f"overlap {self.overlap} is not less than tokens {self.tokens}"
            raise with_hint(InputError(message, "lower overlap, or raise tokens"))
        return self
