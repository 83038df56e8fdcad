"""Sentences on what runs lack and on unusual judgments: one for each system, and what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.documents import comparison, comparisons

from evalkit.records import Coverage, GradeFacts
from evalkit.report.comparison_sentences import cautions, findings
from evalkit.report.first_screen import first_screen
from evalkit.report.run_coverage import coverage_lines, coverage_notes, missing_remedy
from evalkit.results.comparison_document import Comparisons, CoverageRow

USUAL = GradeFacts(0, 0, 0, 0, by_subtopic=False)


def covered(
    rows: dict[str, CoverageRow], *, runs: tuple[str, ...] = (), verdict: str = "better"
) -> Comparisons:
    """Return the comparison of a system whose file has some of the queries."""
    missing = rows["x"].missing_queries if "x" in rows else 0
    found = comparisons(comparison("x", verdict, contender_missing=missing))
    (entry,) = found.datasets
    return replace(found, datasets=(replace(entry, coverage=rows, runs=runs),))


@pytest.mark.parametrize(
    ("row", "lines"),
    [
        (CoverageRow(40, 0, 0, 0), ()),
        (CoverageRow(40, 28, 0, 0), ("x lacks 28 of 40 judged queries: each counts as 0.",)),
        (
            CoverageRow(40, 28, 0, 0, missing_as_zero=True),
            ("x lacks 28 of 40 judged queries: each counts as 0, as stated.",),
        ),
        (CoverageRow(40, 0, 0, 160), ("x: queries without judgments, ignored: 160.",)),
        (CoverageRow(40, 0, 1, 0), ("Judged queries without a relevant document, not averaged: 1.",)),
        (
            CoverageRow(40, 1, 2, 1, 3),
            (
                "x lacks 1 of 40 judged queries: each counts as 0.",
                "x: queries without judgments, ignored: 1.",
                "x: documents that the judgments exclude (grade -100), removed from its lists: 3.",
                "Judged queries without a relevant document, not averaged: 2.",
            ),
        ),
    ],
)
def test_a_sentence_for_each_system(row: CoverageRow, lines: tuple[str, ...]) -> None:
    """Nothing is said of a file that has exactly the judged queries."""
    assert coverage_lines(covered({"x": row})) == lines


def test_the_remedy_fits_the_command() -> None:
    """A run of a configuration has a key, and files of the command line have a flag."""
    row = {"x": CoverageRow(40, 28, 0, 0)}
    (files,), (runs,) = covered(row).datasets, covered(row, runs=("x",)).datasets
    assert "--missing-as-zero" in missing_remedy(files)
    assert "`missing_queries: zero`" in missing_remedy(runs)


def test_what_is_stated_is_no_warning() -> None:
    """A warning asks for something; what the user stated is only a line."""
    for stated, count in ((False, 1), (True, 0)):
        found = cautions(covered({"x": CoverageRow(40, 28, 0, 0, missing_as_zero=stated)}))
        assert sum("lacks 28 of 40" in one.text for one in found) == count


def test_a_withheld_verdict_shows_no_evidence() -> None:
    """Neither in the sentences, nor in the cards, nor in the table of the first screen."""
    found = covered({"x": CoverageRow(40, 28, 0, 0)}, verdict="undecided: missing queries")
    (entry,) = found.datasets
    row = replace(entry.comparisons[0], p=None, p_adjusted=None, lower=None, upper=None, detectable=None)
    found = replace(found, datasets=(replace(entry, comparisons=(row,)),))
    screen = first_screen("comparison", found, cautions(found))
    assert screen.decision.kind == "undecided"
    assert "Complete the file" in screen.decision.detail
    assert screen.cards[0].figure == "Undecided"
    assert [one.difference for one in screen.lead.rows] == [None, None] if screen.lead else False
    (sentence,) = findings(found)
    assert "0.041" not in sentence
    assert "x lacks 28 of 40 judged queries" in sentence


def test_a_pair_with_a_missing_query_is_unknown() -> None:
    """No sentence calls it 0 where the primary metric is one of pairs."""
    found = covered({"x": CoverageRow(40, 28, 0, 0)}, verdict="undecided: missing queries")
    (entry,) = found.datasets
    row = replace(entry.comparisons[0], metric="pMRR")
    plan = replace(found.plan, primary="pMRR")
    found = replace(found, plan=plan, datasets=(replace(entry, comparisons=(row,)),))
    texts = [*coverage_lines(found), *findings(found), *(one.text for one in cautions(found))]
    assert sum("28 of 40 judged queries: pairs with one of them are unknown" in text for text in texts) == 3
    assert not [text for text in texts if "counts as 0" in text]


def test_files_without_a_configuration_are_not_asked_to_set_a_key() -> None:
    """The remedy for judgments of relevant documents only names a key where there is a block for it."""
    for runs, named in (((), False), (("x",), True)):
        found = covered({"x": CoverageRow(40, 0, 0, 0)}, runs=runs)
        (entry,) = found.datasets
        found = replace(found, datasets=(replace(entry, relevant_only=True),))
        (remedy,) = [one.remedy for one in cautions(found) if "relevant documents only" in one.text]
        assert ("`unjudged: not_relevant`" in remedy) == named


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
        "b: documents that the judgments exclude (grade -100), removed from its lists: 3.",
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
