"""The yes/no prompt: what it contains."""

from __future__ import annotations

from evalkit.rerankers.relevance_prompt import RelevancePrompt

PLAIN = RelevancePrompt("A manual is relevant.")


def test_the_definition_is_stated_once() -> None:
    """Without one, the question says nothing of it."""
    assert PLAIN.text("q", "d").count("A manual is relevant.") == 1
    assert (
        RelevancePrompt()
        .text("q", "d")
        .startswith("Decide whether a document is relevant to a search query.\n")
    )
    assert PLAIN.text("q", "d").endswith("Answer with one word and nothing else: Yes or No.")
