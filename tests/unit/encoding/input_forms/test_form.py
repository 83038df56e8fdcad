"""Templates are filled with the texts of a pair and with nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.encoding.input_forms.form import InputForm, Piece

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["{query}", "{document}", "{instruction}", "{}", "{{", "{0}"]
)


@given(TEXTS, TEXTS, TEXTS)
def test_texts_are_never_templates(query: str, document: str, instruction: str) -> None:
    """Braces in query, document and instruction stay as they are, and each text is where its span says."""
    form = InputForm("a", ("{x} {instruction}: {query} | {document} {",)).with_instruction(instruction)
    (piece,) = form.parsed()
    filled = piece.fill(query, document)
    assert filled.text == f"{{x}} {instruction}: {query} | {document} {{"
    assert [filled.text[first:last] for _, first, last in filled.spans] == [query, document]


def test_a_template_has_one_fixed_text_more_than_slots() -> None:
    """A template is split at its slots; other braces are fixed text."""
    assert Piece.of("a{document}{query}{b}") == Piece(("a", "", "{b}"), ("document", "query"))
    assert Piece.of("fixed") == Piece(("fixed",), ())


def test_the_format_of_an_instruction_goes_with_it() -> None:
    """What introduces an instruction is left out where there is none."""
    form = InputForm(
        "a", ("{instruction}query: {query}", "{document}"), instruction_format="do: {instruction}\n"
    )
    assert [piece.fill("q", "d").text for piece in form.parsed()] == ["query: q", "d"]
    said = form.with_instruction("this")
    assert [piece.fill("q", "d").text for piece in said.parsed()] == ["do: this\nquery: q", "d"]
    assert form.takes_instruction
    assert not InputForm("b", ("{query} {document}",)).takes_instruction


def test_special_tokens_go_around_one_piece() -> None:
    """The tokenizer adds special tokens to a whole text, so pieces tokenised apart have none."""
    with pytest.raises(ValueError, match="single piece"):
        InputForm("a", ("{query}", "{document}"), special_tokens=True)
