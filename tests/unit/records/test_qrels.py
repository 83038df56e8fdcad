"""Tests of judgments by subtopic and of excluded documents."""

from __future__ import annotations

import pytest

from evalkit.errors import DataFormatError
from evalkit.records import DocumentTokens, Qrels


def test_excluded_grades_are_no_judgments() -> None:
    """Documents of the grade -100 are taken out of the judgments and listed by query."""
    qrels = Qrels({"q": {"a": 1, "b": -100}, "p": {"a": -100}, "r": {"c": -1}})
    kept, excluded = qrels.without_excluded()
    assert kept.grades == {"q": {"a": 1}, "p": {}, "r": {"c": -1}}
    assert excluded == {"q": frozenset({"b"}), "p": frozenset({"a"})}
    ordinary = Qrels({"q": {"a": 1}})
    assert ordinary.without_excluded() == (ordinary, {})


def test_judgments_by_subtopic_have_the_highest_grade_of_each_document() -> None:
    """The subtopics are kept, also by a restriction, and two grades for one subtopic are refused."""
    rows = [("q", "1", "a", 0), ("q", "2", "a", 2), ("q", "1", "b", 1), ("p", "1", "a", 1)]
    qrels = Qrels.from_subtopic_rows(rows)
    assert qrels.grades == {"q": {"a": 2, "b": 1}, "p": {"a": 1}}
    assert qrels.restricted_to(["q"]).subtopics == {"q": {"1": {"a": 0, "b": 1}, "2": {"a": 2}}}
    with pytest.raises(DataFormatError, match="subtopic '1', document 'a' has two grades: 0 and 1"):
        Qrels.from_subtopic_rows([*rows, ("q", "1", "a", 1)])


def test_excluded_documents_are_in_no_subtopic() -> None:
    """They are taken out of the judgments by subtopic, too."""
    qrels = Qrels.from_subtopic_rows([("q", "1", "a", 1), ("q", "1", "b", -100), ("q", "2", "b", -100)])
    kept, excluded = qrels.without_excluded()
    assert (kept.grades, kept.subtopics) == ({"q": {"a": 1}}, {"q": {"1": {"a": 1}, "2": {}}})
    assert excluded == {"q": frozenset({"b"})}


def test_lengths_of_documents_travel_with_the_judgments() -> None:
    """Every judgment derived from others keeps them; they take no part in equality."""
    tokens = DocumentTokens("tiny", "0" * 64, {"a": 3})
    qrels = Qrels({"q": {"a": 1, "b": -100}}).with_tokens(tokens)
    assert qrels.restricted_to(["q"]).tokens is tokens
    assert qrels.without_excluded()[0].tokens is tokens
    assert qrels == Qrels(qrels.grades)
    assert qrels.with_tokens(None).tokens is None
