"""Questions that a model wrote: what is a copy, and which words are forbidden."""

from __future__ import annotations

import pytest

from evalkit.judging.written_questions import (
    document_frequencies,
    longest_run,
    overlap,
    rarest_words,
    read_question,
    rejection,
)
from evalkit.text_analysis import Analyzer

ENGLISH = Analyzer("english")
TEXT = "The heater is cold. Open the bleed screw until water runs, then close it again and check the pressure gauge."


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ('"Why is it cold?"', "Why is it cold?"),
        ("Query: why\n is it  cold", "why is it cold"),
        ("\u201cwhy\u201d", "why"),
        ("  ", ""),
    ],
)
def test_a_question_is_read_without_what_is_around_it(answer: str, question: str) -> None:
    """Quotation marks, a label and line breaks are no part of it."""
    assert read_question(answer) == question


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("why does my radiator not get warm", None),
        ("until water runs, then close it again and what", "copied"),
        ("bleed screw pressure gauge water", "copied"),
        ("cold the heater is", "reordered"),
        ("heater cold", "reordered"),
        ("how do I use the bleeding screws", "forbidden"),
        ("", "answer"),
        ("the of", "answer"),
        ("word " * 41, "answer"),
    ],
)
def test_copies_reorderings_and_forbidden_words_are_rejected(question: str, kind: str | None) -> None:
    """Other forms of a forbidden word are forbidden, too; a question in other words is not rejected."""
    forbidden = ENGLISH.terms("bleed") if kind == "forbidden" else []
    found = rejection(question, TEXT, forbidden, ENGLISH)
    assert (found.kind if found else None) == kind


def test_the_rarest_terms_are_those_of_the_fewest_documents() -> None:
    """Terms that many documents share are not forbidden; of a document without a rare term, the rarest one is."""
    texts = [f"common words unique{i} here again today" for i in range(30)]
    frequency = document_frequencies(texts, ENGLISH)
    assert frequency["common"] == 30
    assert list(rarest_words(texts[3], ENGLISH, frequency, 30, 10)) == ["unique3"]
    assert list(rarest_words("common", ENGLISH, frequency, 30, 10)) == ["common"]
    assert rarest_words("Screw screws", ENGLISH, {}, 30, 10) == {"screw": ("Screw", "screws")}


def test_overlap_is_a_share_of_content_words() -> None:
    """Stop words do not count."""
    assert overlap("is the heater broken", TEXT) == 0.5
    assert overlap("the", TEXT) == 0.0


def test_the_longest_run_is_that_of_adjacent_terms() -> None:
    """Gaps end a run."""
    assert longest_run(list("abcxde"), list("zabcde")) == 3
    assert longest_run([], list("a")) == 0
