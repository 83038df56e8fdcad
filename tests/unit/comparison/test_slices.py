"""Slices of queries, compared with a lookup of each query."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.systems import Scores, run_of, system_of

from evalkit.comparison import ComparisonSet
from evalkit.comparison.slices import level_functions
from evalkit.records import Qrels

DOCS = st.sampled_from([f"d{number}" for number in range(60)])
BRACKETS = {1: " 1", 5: " 2-5", 10: " 6-10", 50: "11-50", 60: "51 or more"}


@given(
    st.dictionaries(st.sampled_from("pqr"), st.lists(DOCS, unique=True, min_size=1), min_size=1),
    st.dictionaries(
        st.sampled_from("qrs"), st.dictionaries(DOCS, st.integers(-1, 2), min_size=1), min_size=1
    ),
)
def test_levels_of_the_first_relevant_rank_are_those_of_a_search(
    lists: dict[str, list[str]], grades: dict[str, dict[str, int]]
) -> None:
    """The first document with a grade above 0 counts; a query may have none, or no list at all."""
    scores: Scores = {q: {doc: -float(place) for place, doc in enumerate(docs)} for q, docs in lists.items()}
    first, qrels = run_of("bm25", scores), Qrels(grades)
    found = ComparisonSet("d", qrels, {"bm25": system_of(first, qrels)}, {}, first)
    level_of = level_functions(found)["first relevant at rank of bm25"]
    for query_id, judged in grades.items():
        docs = enumerate(lists.get(query_id, []), start=1)
        rank = next((place for place, doc in docs if judged.get(doc, 0) > 0), None)
        bracket = next((text for end, text in BRACKETS.items() if rank is not None and rank <= end), None)
        assert level_of(query_id) == (bracket or "none among the candidates")
