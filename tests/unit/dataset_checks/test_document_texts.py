"""Checks of documents' texts: empty, short, damaged."""

from __future__ import annotations

import pytest
from support.inspected import DOCUMENTS, QRELS, QUERIES, check_input, dataset

from evalkit.dataset_checks import document_texts


def test_documents_without_text() -> None:
    """White space is no text; what they cost is counted among the relevant ones; most of them empty is an error."""
    documents = {**DOCUMENTS, "e1": "", "e2": " \n\t"}
    qrels = {"q1": {"d1": 1, "e1": 1, "e2": 0}, "q2": {"d3": 1}}
    (found,) = document_texts.empty_documents(check_input(dataset(documents, QUERIES, qrels)))
    assert (found.severity, found.examples) == ("warning", ("e1", "e2"))
    assert found.counts == {"documents": 2, "judgments": 2, "relevant": 1}
    assert "recall 1.0000 to 0.7500" in found.effect
    (note,) = document_texts.empty_documents(check_input(dataset(documents, QUERIES, QRELS)))
    assert note.severity == "note"
    (error,) = document_texts.empty_documents(
        check_input(dataset({"d1": "", "d2": "", "d3": "x"}, QUERIES, QRELS))
    )
    assert error.severity == "error"


def test_empty_documents_among_the_candidates() -> None:
    """Each costs the whole query at an API that refuses empty texts; without candidates nothing is known of it."""
    data = dataset({**DOCUMENTS, "e1": "", "e2": " \n"}, QUERIES, QRELS)
    lists = {"q1": ["d1", "e1", "e2"], "q2": ["d2", "e1"], "q3": ["d3"]}
    (found,) = document_texts.empty_candidates(check_input(data, lists))
    assert (found.code, found.severity, found.examples) == ("empty_candidates", "warning", ("e1", "e2"))
    assert found.counts == {"queries": 2, "documents": 2}
    assert "refuse a whole request" in found.effect
    assert not list(document_texts.empty_candidates(check_input(data)))
    assert not list(document_texts.empty_candidates(check_input(data, {"q1": ["d1"]})))


def test_documents_that_say_hardly_anything() -> None:
    """Fewer than ten characters without white space; ten are enough, and none at all is another finding."""
    documents = {"a": "123456789", "b": "1234567890", "c": "1 2 3 4 5 6 7 8 9", "d": ""}
    (found,) = document_texts.short_documents(check_input(dataset(documents, QUERIES, {"q1": {"a": 1}})))
    assert found.examples == ("a", "c")
    assert found.counts == {"documents": 2, "relevant": 1}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a caf\ufffd in Paris", "replacement_characters"),
        ("a cafÃ© in Paris", "mojibake"),
        ("it\u00e2\u20ac\u2122s here", "mojibake"),
        ("it\u00e2\x80\x99s here", "mojibake"),
        ("a bell\x07 rings", "control_characters"),
        ("\ufeffbegins", "control_characters"),
        ("rock &amp; roll", "markup"),
        ("half &#189; done", "markup"),
        ("a <b>bold</b> word", "markup"),
        ("see <a href='x'>this</a>", "markup"),
    ],
)
def test_damage_is_recognised(text: str, code: str) -> None:
    """Each kind of damage is found by itself, in documents and in queries, and counted once."""
    data = dataset({"d1": text, "d2": "sound"}, {"q1": text}, {"q1": {"d1": 1}})
    (found,) = document_texts.damaged_texts(check_input(data))
    assert found.code == code
    assert found.counts == {"documents": 1, "queries": 1, "relevant": 1}
    assert found.examples == ("d1", "q1")


@pytest.mark.parametrize(
    "text",
    [
        "un café à Paris, « déjà » vu…",
        "MENÜ… Spaß–wäre’s „so“",  # noqa: RUF001 - such signs are what this is about
        "AT&T; R&D; if a < b and c > d",
        "x <y> z",
        "中文没有空格",
        "مرحبا بالعالم",
        "lines\nand\ttabs\r\n",
        "20 °C ± 2",
    ],
)
def test_sound_texts_are_left_alone(text: str) -> None:
    """Accents, quotes, other scripts, comparisons and line ends are no damage."""
    assert not list(
        document_texts.damaged_texts(check_input(dataset({"d1": text}, {"q1": text}, {"q1": {"d1": 1}})))
    )
