"""What a run and its judgments have in common is counted, and nothing in common is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.systems import run_of

from evalkit.errors import InputError
from evalkit.records import Coverage, GradeFacts, Qrels, Run, check_overlap

QRELS = Qrels({"q1": {"a": 1}, "q2": {"a": 2, "b": -100}, "q3": {"a": 0}, "q4": {"b": 1}})
QUERY_IDS = st.sets(st.sampled_from(["q1", "q2", "q3", "q4", "q5", "q6"]))
RUNS = QUERY_IDS.map(lambda query_ids: run_of("r", {q: {"a": 1.0} for q in sorted(query_ids)}))


@given(run=RUNS)
def test_every_query_is_counted_once(run: Run) -> None:
    """An averaged query is in the run or missing; a query of the run is judged or unjudged."""
    coverage = Coverage.of(run, QRELS)
    found = set(run.query_ids)
    assert coverage.averaged == 3
    assert set(coverage.missing) == set(QRELS.answerable) - found
    assert coverage.unanswerable == ("q3",)
    assert set(coverage.unjudged) == found - set(QRELS.grades)
    assert coverage.complete == (not coverage.missing)


def test_missing_queries_have_the_order_of_the_judgments() -> None:
    """And unjudged ones that of the run, so that the first of each is the same every time."""
    coverage = Coverage.of(run_of("r", {"z": {"a": 1.0}, "q2": {"a": 1.0}, "x": {"a": 1.0}}), QRELS)
    assert (coverage.missing, coverage.unjudged) == (("q1", "q4"), ("z", "x"))


def test_documents_that_are_excluded_for_their_query_are_counted() -> None:
    """Grade -100 excludes a document for one query only."""
    run = run_of("r", {"q1": {"b": 2.0, "a": 1.0}, "q2": {"b": 2.0, "a": 1.0}})
    assert Coverage.of(run, QRELS).excluded_documents == 1


@pytest.mark.parametrize("doc_ids", [{"A": 1.0}, {"x": 2.0, "y": 1.0}])
def test_a_run_without_a_judged_document_is_seen(doc_ids: dict[str, float]) -> None:
    """With the first document of both; one judged document, or no averaged query, says nothing of the kind."""
    unlike = run_of("r", {"z": {"b": 1.0}, "q1": doc_ids, "q3": {"x": 1.0}})
    assert Coverage.of(unlike, QRELS).unlike_documents == (next(iter(doc_ids)), "a")
    assert Coverage.of(run_of("r", {"q1": doc_ids, "q4": {"b": 1.0}}), QRELS).unlike_documents is None
    assert Coverage.of(run_of("r", {"z": doc_ids, "q3": doc_ids}), QRELS).unlike_documents is None


def test_a_run_of_other_queries_is_refused_with_the_first_id_of_both() -> None:
    """Topics that are written in two ways are seen at once."""
    with pytest.raises(InputError, match="run 'r' contains none of the judged queries") as refused:
        check_overlap(run_of("r", {"1": {"a": 1.0}}), Qrels({"1.A": {"a": 1}}))
    assert refused.value.hint is not None
    assert "the run begins with '1', the qrels with '1.A'" in refused.value.hint
    with pytest.raises(InputError, match="none of the judged queries with a relevant document"):
        check_overlap(run_of("r", {"q3": {"a": 1.0}}), QRELS)


@given(run=RUNS)
def test_one_query_in_common_is_enough(run: Run) -> None:
    """A run is refused exactly if each of its averaged queries is missing."""
    coverage = Coverage.of(run, QRELS)
    if len(coverage.missing) < coverage.averaged:
        check_overlap(run, QRELS)
    else:
        with pytest.raises(InputError):
            check_overlap(run, QRELS)


def test_unusual_grades_are_counted() -> None:
    """Below 0 but for excluded documents, and above 10; grades of one document for several subtopics."""
    assert GradeFacts.of(QRELS) == GradeFacts(0, 0, 0, 0, by_subtopic=False)
    odd = Qrels({"q1": {"a": -2, "b": -1, "c": 10, "d": 11}, "q2": {"a": 2019, "b": -100}})
    assert GradeFacts.of(odd) == GradeFacts(2, -2, 2, 2019, by_subtopic=False)
    apart = Qrels.from_subtopic_rows([("q", "1", "a", 1), ("q", "2", "b", 1)])
    assert not GradeFacts.of(apart).by_subtopic
    assert GradeFacts.of(Qrels.from_subtopic_rows([("q", "1", "a", 1), ("q", "2", "a", 0)])).by_subtopic


def test_unusual_fractional_grades_keep_their_decimals() -> None:
    """-0.5 is below 0, and 10.5 above the usual grades."""
    assert GradeFacts.of(Qrels({"q": {"a": -0.5, "b": 10.5, "c": 0.5}})) == GradeFacts(
        1, -0.5, 1, 10.5, by_subtopic=False
    )
