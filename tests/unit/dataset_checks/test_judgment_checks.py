"""Checks of judgments, on a collection small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from support.inspected import CLEAN, DOCUMENTS, QRELS, QUERIES, by_code, check_input, dataset

from evalkit.dataset_checks import judgment_checks


def test_enough_queries_are_enough() -> None:
    """What verdicts take is warned of, what choices take is noted; from twice as many queries on nothing is."""
    for count, reported in ((29, ["warning"]), (30, ["note"]), (59, ["note"]), (60, [])):
        asked = {f"q{number}": "what does the fox do" for number in range(count)}
        small = check_input(dataset(DOCUMENTS, asked, {query: {"d1": 1} for query in asked}))
        assert [finding.severity for finding in judgment_checks.few_queries(small)] == reported


def test_judgments_that_point_nowhere_lower_the_best_possible_values() -> None:
    """Recall and nDCG of the best ranking of what is there; irrelevant ones that are missing lower nothing."""
    qrels = {"q1": {"d1": 1, "gone": 1}, "q2": {"d3": 1, "d2": 1, "lost": 0}}
    (found,) = judgment_checks.missing_documents(check_input(dataset(DOCUMENTS, QUERIES, qrels)))
    assert found.severity == "warning"
    assert found.counts == {"judgments": 2, "documents": 2, "relevant": 1, "all_relevant": 4, "queries": 1}
    assert found.examples == ("gone", "lost")
    ndcg = (1 / (1 + 1 / np.log2(3)) + 1) / 2
    assert f"recall 1.0000 to 0.7500, nDCG@10 1.0000 to {ndcg:.4f}" in found.effect
    assert "MRR" not in found.effect
    harmless = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1, "gone": 0}})
    (note,) = judgment_checks.missing_documents(check_input(harmless))
    assert (note.severity, note.effect) == ("note", "none of them is relevant")


def test_judgments_of_another_corpus_are_an_error() -> None:
    """Where most relevant documents are not there the figures mean nothing."""
    foreign = dataset(DOCUMENTS, QUERIES, {"q1": {"x": 1, "y": 1}, "q2": {"d3": 1}})
    (found,) = judgment_checks.missing_documents(check_input(foreign))
    assert found.severity == "error"
    assert found.counts["relevant"] == 2


def test_queries_that_nothing_answers() -> None:
    """Some are a note; all of them are an error, as nothing has a mean then."""
    some = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1}, "q2": {"d1": 0}})
    (note,) = judgment_checks.unanswerable_queries(check_input(some))
    assert (note.severity, note.examples) == ("note", ("q2",))
    none = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 0}, "q2": {"d1": -1}})
    (error,) = judgment_checks.unanswerable_queries(check_input(none))
    assert error.severity == "error"


def test_queries_that_were_left_out_are_counted() -> None:
    """The number is the one that the dataset itself keeps."""
    left_out = dataset(DOCUMENTS, QUERIES, QRELS, counts={"unjudged_queries_left_out": 36})
    (found,) = judgment_checks.unjudged_queries(check_input(left_out))
    assert found.counts == {"queries": 36, "judged_queries": 2}
    assert not list(judgment_checks.unjudged_queries(check_input(CLEAN)))


def test_grades_and_the_metrics_that_see_them() -> None:
    """Grades are counted; what weighs how much follows from the highest; a threshold above it is an error."""
    found = by_code(judgment_checks.grades(check_input(CLEAN, metrics=["nDCG@10", "MRR(rel=3)@10", "AP"])))
    assert found["grades"].counts == {"grade_0": 2, "grade_1": 1, "grade_2": 1}
    assert (
        "nDCG@10 uses the grades; MRR(rel=3)@10 counts grades from 3; AP counts grades from 1"
        in found["grades"].effect
    )
    assert (
        "grade 2 has 2 times the weight of grade 1 in nDCG, 3 times with 'exp-log2'" in found["grades"].effect
    )
    assert found["rel_above_grades"].severity == "error"
    assert found["rel_above_grades"].counts == {"rel": 3, "highest_grade": 2}
    binary = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1, "d2": 0}})
    (reported,) = judgment_checks.grades(check_input(binary))
    assert reported.what == "binary judgments: 1 of grade 1, 1 of grade 0"


def test_judgments_of_relevant_documents_alone() -> None:
    """Reported where no document was judged irrelevant, and only there."""
    assert not list(judgment_checks.only_relevant(check_input(CLEAN)))
    (found,) = judgment_checks.only_relevant(
        check_input(dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1, "d2": 2}}))
    )
    assert "2.0 per query" in found.what


def test_grades_below_zero_and_counts_are_said() -> None:
    """What they mean for the metrics; ordinary grades are no finding."""
    qrels = {"q1": {"d1": 57, "d2": -1, "d3": -2}, "q2": {"d3": 10}}
    found = by_code(judgment_checks.unusual_grades(check_input(dataset(DOCUMENTS, QUERIES, qrels))))
    negative, high = found["negative_grades"], found["high_grades"]
    assert (negative.severity, negative.counts) == ("note", {"judgments": 2, "lowest": -2})
    assert "2 judgments with a grade below 0 (-2, -1)" in negative.what
    assert "means not relevant, as 0 does" in negative.effect
    assert (high.severity, high.counts) == ("warning", {"judgments": 1, "highest": 57})
    assert "a document of grade 57 has 57 times the weight of one of grade 1" in high.effect
    assert not list(judgment_checks.unusual_grades(check_input(CLEAN)))


def test_excluded_documents_are_counted_with_those_that_the_corpus_lacks() -> None:
    """For each query its own."""
    excluded = {"q1": frozenset({"d3", "gone"}), "q2": frozenset({"d1"})}
    (found,) = judgment_checks.excluded_documents(check_input(replace(CLEAN, excluded=excluded)))
    assert found.counts == {"documents": 3, "queries": 2, "not_in_corpus": 1}
    assert "3 documents excluded for 2 queries" in found.what
    assert not list(judgment_checks.excluded_documents(check_input(CLEAN)))


def test_judgments_without_a_grade_and_queries_without_text_are_said() -> None:
    """By the counts of the dataset."""
    counts = {"judgments_without_grade": 4, "judged_queries_without_text": 2}
    data = check_input(dataset(DOCUMENTS, QUERIES, QRELS, counts=counts))
    (ungraded,), (missing,) = (
        list(judgment_checks.ungraded(data)),
        list(judgment_checks.queries_without_text(data)),
    )
    assert (ungraded.severity, ungraded.what) == ("note", "4 judgments without a grade")
    assert (missing.severity, missing.what) == ("warning", "2 judged queries without text (2 have one)")
    clean = check_input(CLEAN)
    assert not [*judgment_checks.ungraded(clean), *judgment_checks.queries_without_text(clean)]


def test_fractional_grades_are_shown_with_their_decimals() -> None:
    """Up to twelve different ones are listed; of more their range and the number of relevant ones are given."""
    few = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1.75, "d2": 5 / 3}, "q2": {"d3": 1}})
    (found,) = judgment_checks.grades(check_input(few))
    assert found.what == "graded judgments: 1 of grade 1.75, 1 of grade 1.667, 1 of grade 1"
    assert found.counts["grade_1.6666666666666667"] == 1
    many = {f"d{number}": number / 10 for number in range(21)}
    (found,) = judgment_checks.grades(check_input(dataset(DOCUMENTS, QUERIES, {"q1": many})))
    assert found.what == "graded judgments: 21 different grades from 0 to 2; 11 of 21 of 1 or more"


def test_grades_from_0_to_1_are_an_error_for_binary_metrics() -> None:
    """They are 0 for every query; nDCG has values."""
    below = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 0.9, "d2": 0.1}})
    found = [one for one in judgment_checks.grades(check_input(below)) if one.code == "rel_above_grades"]
    assert found
    assert found[0].severity == "error"
    assert "counts grades from 1, but the highest grade is 0.9" in found[0].what
    assert found[0].remedy == "multiply all grades so that 1 or more means relevant"


def test_judgments_with_expected_grades_are_not_only_relevant() -> None:
    """A model's expected grade is above 0 for every document; below 1 it means not relevant."""
    expected = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1.8, "d2": 0.2}, "q2": {"d3": 2.5}})
    assert not list(judgment_checks.only_relevant(check_input(expected)))
    relevant = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1.8}, "q2": {"d3": 2.5}})
    assert list(judgment_checks.only_relevant(check_input(relevant)))
