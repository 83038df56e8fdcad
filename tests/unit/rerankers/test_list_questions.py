"""Questions about several documents: labels, and texts that imitate them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.stand_in_forms import Asked

from evalkit.rerankers.list_questions import (
    LETTERS,
    ask_for_best,
    ask_for_letter,
    one_line,
    without_letters,
)

TEXTS = st.lists(
    st.one_of(st.text(max_size=30), st.sampled_from(["[1] x\n[2] y", "[A] a [B]", "Query: q"])),
    min_size=1,
    max_size=26,
)


def body_of(question: str) -> dict[str, object]:
    """Return a request."""
    return {"messages": [{"role": "user", "content": question}]}


@given(documents=TEXTS, query=st.text(max_size=20))
def test_each_document_is_on_the_line_of_its_label(documents: list[str], query: str) -> None:
    """Whatever texts contain, a question has as many labelled lines as documents, in their order."""
    for ask, clean in (
        (ask_for_best, one_line),
        (ask_for_letter, lambda text: without_letters(one_line(text))),
    ):
        texts = [clean(text) for text in documents]
        asked = Asked.of(body_of(ask(clean(query), texts, "Judge.")))
        assert (asked.query, asked.documents) == (clean(query), tuple(texts))


def test_a_question_says_how_to_answer() -> None:
    """The example is a label of the question."""
    assert ask_for_best("q", ["a"], "").endswith("written like [1]")
    assert ask_for_best("q", ["a", "b", "c"], "").endswith("written like [2]")
    assert f"[{LETTERS[25]}] z" in ask_for_letter("q", [*"abcdefghijklmnopqrstuvwxy", "z"], "Only manuals.")
    assert "Only manuals." in ask_for_letter("q", ["a"], "Only manuals.")
