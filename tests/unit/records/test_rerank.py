"""A query with an instruction is one text in one way everywhere."""

from __future__ import annotations

import pytest

from evalkit.records import Query, RerankRequest


@pytest.mark.parametrize(
    ("query", "instruction", "text"),
    [
        ("battery", "", "battery"),
        (" battery ", "", " battery "),
        ("battery", "Only manuals.", "battery Only manuals."),
        ("", "Only manuals.", "Only manuals."),
    ],
)
def test_the_instruction_follows_the_query(query: str, instruction: str, text: str) -> None:
    """A space is between them, and a query without an instruction is not changed at all."""
    request = RerankRequest("q", query, ("d",), ("1",), instruction=instruction)
    assert request.instructed_query == Query("q", query, {}, instruction).instructed_text == text
