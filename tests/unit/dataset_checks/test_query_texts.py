"""Checks of queries' texts: empty, or there twice."""

from __future__ import annotations

from support.inspected import DOCUMENTS, QRELS, check_input, dataset

from evalkit.dataset_checks import query_texts


def test_queries_without_text() -> None:
    """They are named: every system gets 0 for them."""
    (found,) = query_texts.blank_queries(check_input(dataset(DOCUMENTS, {"q1": " ", "q2": "x"}, QRELS)))
    assert found.examples == ("q1",)
    assert "refuse a request with an empty query" in found.effect


def test_queries_that_stand_there_twice() -> None:
    """Case and white space do not tell queries apart; where their judgments do not agree it is a warning."""
    asked = {"q1": "What is  it", "q2": "what is it", "q3": "something else"}
    agreeing = {"q1": {"d1": 1, "d2": 0}, "q2": {"d1": 1}}
    (note,) = query_texts.repeated_queries(check_input(dataset(DOCUMENTS, asked, agreeing)))
    assert (note.severity, note.examples) == ("note", ("q1 = q2",))
    assert note.counts == {"queries": 2, "texts": 1, "contradictions": 0, "judged_for_one_only": 0}
    quarrelling = {"q1": {"d1": 1, "d2": 0}, "q2": {"d1": 0, "d3": 1}}
    (warning,) = query_texts.repeated_queries(check_input(dataset(DOCUMENTS, asked, quarrelling)))
    assert warning.severity == "warning"
    assert (warning.counts["contradictions"], warning.counts["judged_for_one_only"]) == (1, 1)
