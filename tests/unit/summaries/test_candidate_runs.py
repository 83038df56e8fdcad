"""Runs of the candidates: the first stage, the best order, relevance."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.systems import run_of, set_of

from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Qrels
from evalkit.summaries.candidate_runs import best_order, first_stage_run, relevant_rows

DOCS = tuple("abcdef")


def test_without_a_first_stage_there_are_no_candidates() -> None:
    """TREC runs share no first stage: its run is empty and not an error."""
    comparison_set = set_of({"q": {"a": 1}}, run_of("bm25", {"q": {"a": 1.0}}))
    assert first_stage_run(comparison_set) is comparison_set.first_stage
    assert len(first_stage_run(replace(comparison_set, first_stage=None))) == 0


@given(
    grades=st.dictionaries(st.sampled_from(DOCS), st.integers(-1, 3) | st.floats(0, 3), min_size=1),
    first=st.permutations(DOCS),
    second=st.permutations(DOCS),
)
def test_no_order_of_the_candidates_is_better_than_the_best_order(
    grades: dict[str, float], first: list[str], second: list[str]
) -> None:
    """It keeps the documents, depends on the grades only, and its nDCG is at least that of any permutation."""
    qrels = Qrels({"q": grades})
    metric = parse_metrics(["nDCG@3"])
    runs = [run_of("r", {"q": {d: -rank for rank, d in enumerate(order)}}) for order in (first, second)]
    best, other = (best_order(run, qrels) for run in runs)
    assert best.docs("q") == other.docs("q")
    assert sorted(best.docs("q")) == sorted(DOCS)
    ideal = evaluate(best, qrels, metric).values
    assert all((evaluate(run, qrels, metric).values <= ideal + 1e-12).all() for run in runs)


def test_unjudged_documents_have_grade_zero_in_the_best_order() -> None:
    """They rank below relevant documents, level with those of grade 0, and above those of a negative grade."""
    run = run_of("r", {"q": dict.fromkeys("abcd", 0.0)})
    best = best_order(run, Qrels({"q": {"a": -1, "b": 2, "c": 0}}))
    assert best.docs("q") == ("b", "d", "c", "a")
    assert best.scores.tolist() == [2.0, 0.0, 0.0, -1.0]


@given(st.dictionaries(st.sampled_from(DOCS), st.integers(-2, 2) | st.floats(-1, 2)))
def test_only_a_grade_of_one_or_more_is_relevant(grades: dict[str, float]) -> None:
    """Documents of a grade below 1 and unjudged ones are not relevant."""
    run = run_of("r", {"p": {"a": 1.0}, "q": {doc_id: -rank for rank, doc_id in enumerate(DOCS)}})
    found = relevant_rows(run, Qrels({"q": grades}))
    assert found.tolist() == [False, *(doc_id in grades and grades[doc_id] >= 1 for doc_id in DOCS)]
