"""Slices of queries, compared with a lookup of each query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.corrected_worlds import DRAWN, IDS, PLAN, world
from support.systems import Scores, run_of, system_of

from evalkit.comparison import ComparisonSet
from evalkit.comparison.slices import level_functions, slices
from evalkit.records import Qrels, Query
from evalkit.stats import MIN_QUERIES

DOCS = st.sampled_from([f"d{number}" for number in range(60)])
BRACKETS = {1: " 1", 5: " 2-5", 10: " 6-10", 50: "11-50", 60: "51 or more"}


@given(
    st.dictionaries(st.sampled_from("pqr"), st.lists(DOCS, unique=True, min_size=1), min_size=1),
    st.dictionaries(
        st.sampled_from("qrs"),
        st.dictionaries(DOCS, st.integers(-1, 2) | st.sampled_from([0.5, 1.5]), min_size=1),
        min_size=1,
    ),
)
def test_levels_of_the_first_relevant_rank_are_those_of_a_search(
    lists: dict[str, list[str]], grades: dict[str, dict[str, float]]
) -> None:
    """The first document with a grade of 1 or more counts; a query may have none, or no list at all."""
    scores: Scores = {q: {doc: -float(place) for place, doc in enumerate(docs)} for q, docs in lists.items()}
    first, qrels = run_of("bm25", scores), Qrels(grades)
    found = ComparisonSet("d", qrels, {"bm25": system_of(first, qrels)}, {}, first)
    level_of = level_functions(found)["first relevant at rank of bm25"]
    for query_id, judged in grades.items():
        docs = enumerate(lists.get(query_id, []), start=1)
        rank = next((place for place, doc in docs if judged.get(doc, 0) >= 1), None)
        bracket = next((text for end, text in BRACKETS.items() if rank is not None and rank <= end), None)
        assert level_of(query_id) == (bracket or "none among the candidates")


def test_relevant_documents_have_a_grade_of_1_or_more() -> None:
    """A query with grades between 0 and 1 only is averaged, and has none."""
    first, qrels = run_of("bm25", {"q": {"a": 1.0}}), Qrels({"q": {"a": 0.5}, "r": {"a": 1.75, "b": 0.9}})
    found = ComparisonSet("d", qrels, {"bm25": system_of(first, qrels)}, {}, first)
    level_of = level_functions(found)["relevant documents"]
    assert (level_of("q"), level_of("r")) == (" 0", " 1")


def test_means_of_a_corrected_slice_differ_by_its_difference() -> None:
    """Its interval needs as many queries of people as a verdict; the means have none."""
    ids = {q: Query(q, f"text {q}", {"half": "b" if q in DRAWN[36:] else "a"}) for q in IDS}
    by_people = {q: {"a": 1.0, "b": float(n % 3), "c": 0.0} for n, q in enumerate(DRAWN)}
    found = {one.level: one for one in slices(world(by_people, queries=ids), PLAN, "new") if one.by == "half"}
    for one in found.values():
        means = one.contender_mean.estimate, one.baseline_mean.estimate
        assert None not in means
        assert (means[0] or 0) - (means[1] or 0) == pytest.approx(one.difference.estimate)
        assert (one.contender_mean.lower, one.baseline_mean.upper) == (None, None)
    assert found["a"].difference.n >= MIN_QUERIES > found["b"].difference.n
    assert found["a"].difference.lower is not None
    assert (found["b"].difference.lower, found["b"].difference.upper) == (None, None)
