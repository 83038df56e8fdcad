"""Sentences about the queries of runs and about unusual judgments."""

from __future__ import annotations

from evalkit.records import Coverage, GradeFacts
from evalkit.report.coverage_notes import coverage_notes

USUAL = GradeFacts(0, 0, 0, 0, by_subtopic=False)


def test_nothing_unusual_needs_no_sentence() -> None:
    """A run with every judged query."""
    assert coverage_notes([Coverage("r", 40, (), (), ())], USUAL, {"q.txt": ()}) == []
    assert coverage_notes([], USUAL) == []


def test_missing_queries_are_counted_for_each_run() -> None:
    """With the number of queries and the first one."""
    runs = [Coverage("a", 40, ("q3", "q4"), (), ()), Coverage("b", 40, (), (), ("x",), 3)]
    assert coverage_notes(runs, USUAL) == [
        "a lacks 2 of 40 judged queries: each counts as 0 (first: 'q3').",
        "b: queries without judgments, ignored: 1 (first: 'x').",
        "b: documents with grade -100 (excluded for the query), removed from its lists: 3.",
    ]


def test_what_is_true_of_the_judgments_is_said_once() -> None:
    """However many runs there are."""
    runs = [Coverage(tag, 40, (), ("q0", "q1"), ()) for tag in "ab"]
    grades = GradeFacts(2, -2, 1, 2019, by_subtopic=True)
    assert coverage_notes(runs, grades, {"q.txt": (3, 9), "r.txt": ()}) == [
        "Judged queries without a relevant document, not averaged: 2 (first: 'q0').",
        "Judgments are by subtopic: the grade of a document is its highest over the subtopics.",
        "Grades: 2 below 0 (lowest: -2), which mean not relevant; 1 above 10 (highest: 2019), which are unusual.",
        (
            "q.txt: comments that have the columns of a row, ignored: 2 (first: line 3)."
            " For ids that begin with '#', use tabs and a header line."
        ),
    ]


def test_pairs_with_a_missing_query_are_named_where_their_metric_is_shown() -> None:
    """Their value is unknown, so that it is no 0 in the mean."""
    runs = [Coverage("a", 40, ("q3",), (), ())]
    note = "pMRR: pairs with a missing query are unknown, not 0, and are not averaged."
    assert note in coverage_notes(runs, USUAL, None, ["nDCG@10", "pMRR"])
    assert note not in coverage_notes(runs, USUAL, None, ["nDCG@10"])
    assert note not in coverage_notes([Coverage("a", 40, (), (), ())], USUAL, None, ["pMRR"])
