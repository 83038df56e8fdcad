"""Whether a judge ranks systems as people do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.judging.common_grades import common_grades
from evalkit.judging.system_agreement import system_agreement
from evalkit.records import DocumentTokens, Qrels, Run

QUERIES = [f"q{n}" for n in range(12)]
DOCS = ("a", "b", "c", "d")


def qrels(best: str) -> Qrels:
    """Return judgments with one relevant document for every query."""
    return Qrels({q: {doc: int(doc == best) for doc in DOCS} for q in QUERIES})


def run(tag: str, order: str) -> Run:
    """Return a run with the same list for every query."""
    return Run.from_rows(
        tag,
        [q for q in QUERIES for _ in order],
        [doc for _ in QUERIES for doc in order],
        [float(-place) for _ in QUERIES for place in range(len(order))],
    )


RUNS = [run("first", "abcd"), run("second", "bacd"), run("third", "bcad"), run("fourth", "bcda")]


def test_equal_grades_rank_alike() -> None:
    """A judge that agrees fully has tau 1, no bias and no reversed pair; the systems are in the reference's order."""
    found = system_agreement(common_grades(qrels("a"), qrels("a")), RUNS, "RR")
    assert (found.tau, found.top_tau, found.reversed_pairs, found.pairs) == (1.0, 1.0, 0, 6)
    assert [one.system for one in found.systems] == ["first", "second", "third", "fourth"]
    assert found.largest is not None
    assert (found.largest.bias, found.largest.lower, found.largest.upper) == (0.0, 0.0, 0.0)


def test_other_grades_reverse_and_the_largest_bias_is_named() -> None:
    """The judge sees d as relevant: every difference reverses, and that of the ends is furthest off."""
    found = system_agreement(common_grades(qrels("d"), qrels("a")), [RUNS[0], RUNS[3]], "RR")
    assert (found.tau, found.reason, found.reversed_pairs) == (None, "fewer than 3 systems", 1)
    assert found.largest is not None
    largest = found.largest
    assert (largest.first, largest.second) == ("first", "fourth")
    assert largest.reference == pytest.approx(0.75)
    assert largest.judge == pytest.approx(0.25 - 1 / 3)
    assert largest.bias == pytest.approx(largest.judge - largest.reference)


def test_ties_with_the_last_of_the_top_belong_to_it() -> None:
    """Of five systems three are the better half; a fourth with the same mean as the third is among them."""
    runs = [*RUNS[:2], run("third", "bcad"), run("equal", "cbad"), run("worst", "bcda")]
    found = system_agreement(common_grades(qrels("a"), qrels("a")), runs, "RR")
    assert found.top == ("first", "second", "third", "equal")


def test_equal_means_have_no_tau() -> None:
    """Where one rater ties all systems there is nothing to correlate."""
    runs = [run(tag, "abcd") for tag in ("one", "two", "three")]
    found = system_agreement(common_grades(qrels("a"), qrels("a")), runs, "RR")
    assert (found.tau, found.reason) == (None, "all means of the judge are equal")


def test_only_common_queries_count() -> None:
    """A query without a relevant document under one rater is left out of both means."""
    judge = Qrels({**qrels("a").grades, "q0": dict.fromkeys(DOCS, 0)})
    assert system_agreement(common_grades(judge, qrels("a")), RUNS, "RR").queries == 11
    nothing = Qrels({q: dict.fromkeys(DOCS, 0) for q in QUERIES})
    found = system_agreement(common_grades(nothing, qrels("a")), RUNS, "RR")
    assert (found.systems, found.largest) == ((), None)
    assert found.reason == "no query has a relevant document under both raters"


def test_a_metric_at_a_budget_needs_the_lengths_of_documents() -> None:
    """With them lists end at the budget; without them there is no agreement on systems, and the reason is given."""
    pairs = common_grades(qrels("a"), qrels("a"))
    found = system_agreement(pairs, RUNS, "nDCG@2t")
    assert (found.tau, found.queries) == (None, 0)
    assert found.reason is not None
    assert "counted by a run" in found.reason
    tokens = DocumentTokens("t", "sha", dict.fromkeys(DOCS, 1))
    found = system_agreement(replace(pairs, tokens=tokens), RUNS, "nDCG@2t")
    assert {one.system for one in found.systems if one.reference == 0} == {"third", "fourth"}
