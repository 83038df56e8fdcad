"""Describe how the text of a query-document pair is made for a model that was trained with a template."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from evalkit.errors import InputError

Slot = Literal["query", "document"]
"""A text of a pair."""
SLOTS: tuple[Slot, ...] = ("query", "document")
Cut = Literal["texts", "end"]
"""What is cut from an input over the length limit.

``texts``: the end of the document, then that of the query; fixed text stays whole. ``end``: the end of the piece with
the texts, whatever is there; other pieces stay whole.
"""

INSTRUCTION = "{instruction}"
_MARKS = re.compile(r"\{(query|document)\}")


@dataclass(frozen=True, slots=True)
class PieceText:
    """A piece of an input as text.

    Attributes
    ----------
    text
        The piece with query and document filled in.
    spans
        ``(slot, first character, end)`` of each text of the pair in it.
    """

    text: str
    spans: tuple[tuple[Slot, int, int], ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A template whose text is tokenised in one go.

    Attributes
    ----------
    fixed
        The fixed texts: before, between and after the slots, one more than there are slots.
    slots
        What is filled in between them.
    """

    fixed: tuple[str, ...]
    slots: tuple[Slot, ...]

    @classmethod
    def of(cls, template: str) -> Piece:
        """Return the piece of a template with ``{query}`` and ``{document}``; all other braces are fixed text."""
        parts = _MARKS.split(template)
        return cls(
            tuple(parts[::2]), tuple("query" if name == "query" else "document" for name in parts[1::2])
        )

    def fill(self, query: str, document: str) -> PieceText:
        """Return the piece with the texts of a pair, which are never read as templates."""
        text, spans = self.fixed[0], []
        for slot, after in zip(self.slots, self.fixed[1:], strict=True):
            start = len(text)
            text += query if slot == "query" else document
            spans.append((slot, start, len(text)))
            text += after
        return PieceText(text, tuple(spans))


@dataclass(frozen=True, slots=True)
class InputForm:
    """How the tokens of a pair are made: pieces of text that are tokenised apart and joined.

    Attributes
    ----------
    name
        Name for messages, such as that of a preset.
    pieces
        Templates with ``{query}``, ``{document}`` and ``{instruction}``.
    special_tokens
        Whether the tokenizer adds its special tokens, such as those at the begin and the end; for one piece only.
    begin
        Token before the first piece, such as ``<bos>``; None for none.
    instruction
        Instruction used if none is configured; empty for none.
    instruction_format
        What replaces ``{instruction}`` if there is an instruction; otherwise nothing does.
    asks
        Whether the instruction is the question that the model answers, so that no other text can replace it.
    strip
        Whether whitespace around query and document is removed.
    cut
        What is cut from an input over the length limit.
    query_share
        Largest share of the room for both texts that the query gets: numerator and denominator. The query is cut to
        it first; None for no such rule.
    """

    name: str
    pieces: tuple[str, ...]
    special_tokens: bool = False
    begin: str | None = None
    instruction: str = ""
    instruction_format: str = INSTRUCTION
    strip: bool = False
    cut: Cut = "texts"
    query_share: tuple[int, int] | None = None
    asks: bool = False

    def __post_init__(self) -> None:
        """Check that pieces and special tokens can be combined."""
        if self.special_tokens and len(self.pieces) != 1:
            raise ValueError("special tokens are added to a single piece only")

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> InputForm:
        """Return the form of its fields as JSON has them."""
        share = fields["query_share"]
        pairs = {"pieces": tuple(fields["pieces"]), "query_share": tuple(share) if share else None}
        return cls(**{**fields, **pairs})

    @property
    def takes_instruction(self) -> bool:
        """Whether a template has a place for an instruction."""
        return any(INSTRUCTION in piece for piece in self.pieces)

    def with_instruction(self, instruction: str | None) -> InputForm:
        """Return the form with another instruction; the same form if it is None or empty.

        Raises
        ------
        InputError
            If the form has no place for one.
        """
        if not instruction:
            return self
        if not self.takes_instruction:
            raise InputError(
                f"the input form {self.name} has no place for an instruction", "remove instruction"
            )
        return replace(self, instruction=instruction)

    def parsed(self) -> Iterator[Piece]:
        """Yield the pieces, with the instruction filled in; an instruction is never read as a template."""
        said = self.instruction_format.replace(INSTRUCTION, self.instruction) if self.instruction else ""
        for template in self.pieces:
            parts = [Piece.of(part) for part in template.split(INSTRUCTION)]
            piece = parts[0]
            for following in parts[1:]:
                joint = (piece.fixed[-1] + said + following.fixed[0],)
                piece = Piece(piece.fixed[:-1] + joint + following.fixed[1:], piece.slots + following.slots)
            yield piece

    def texts(self, query: str, document: str) -> tuple[str, str]:
        """Return query and document as they are filled in."""
        return (query.strip(), document.strip()) if self.strip else (query, document)
