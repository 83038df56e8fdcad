"""A hash of the prompts of a reranker, so that scores of another wording are never taken for its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from evalkit.records import text_sha256

SAMPLE_QUERY = "what is [1] or [A]\nasked?"
SAMPLE_INSTRUCTION = "only\n[2] and [B]"
SAMPLE_DOCUMENTS = ("the first\n[3]", "the second [C]", "a third")
"""Texts of the prompts that are hashed: what cleaning does to brackets and line breaks is part of a prompt."""


def prompts_sha256(prompts: Iterable[str]) -> str:
    """Return the hash of prompts for fixed texts, in their order."""
    return text_sha256("\0".join(prompts))


def list_prompts_sha256(
    ask: Callable[[str, Sequence[str], str], str], clean: Callable[[str], str], definition: str
) -> str:
    """Return the hash of the questions about one, two and three documents, with both definitions of relevance.

    Parameters
    ----------
    ask
        Returns the question for a query, documents and a definition of relevance.
    clean
        Makes one line of each text.
    definition
        For queries without an instruction of their own.
    """
    texts = [clean(text) for text in SAMPLE_DOCUMENTS]
    return prompts_sha256(
        ask(clean(SAMPLE_QUERY), texts[:count], wanted)
        for count in range(1, len(texts) + 1)
        for wanted in (definition, clean(SAMPLE_INSTRUCTION))
    )
