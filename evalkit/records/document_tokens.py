"""The lengths of documents in tokens of one tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class DocumentTokens:
    """The number of tokens of each document; numbers of different tokenizers are not comparable.

    Attributes
    ----------
    tokenizer
        Its name, as in the configuration or on the command line.
    sha256
        Hash of its content, which identifies it whatever its name.
    counts
        Document id -> tokens of its text, title included, without special tokens. A document that is not here has an
        unknown length, which is never taken for 0.
    """

    tokenizer: str
    sha256: str
    counts: Mapping[str, int]
