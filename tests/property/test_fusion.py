"""Reciprocal rank fusion: by its definition, whatever the order of the runs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from evalkit.fusion import fuse_ranks
from evalkit.records import Run

LISTS = st.lists(
    st.permutations("abcdef").flatmap(lambda p: st.integers(0, 6).map(lambda n: p[:n])), max_size=3
)
"""The documents of a few queries, best first."""
WEIGHTED = st.lists(st.tuples(LISTS, st.integers(1, 3)), min_size=1, max_size=4)


def run(lists: Sequence[Sequence[str]]) -> Run:
    """Return a run of ranked lists."""
    rows = [(f"q{q}", doc, -rank) for q, docs in enumerate(lists) for rank, doc in enumerate(docs)]
    return Run.from_rows("part", [r[0] for r in rows], [r[1] for r in rows], [float(r[2]) for r in rows])


def exact(
    parts: Sequence[tuple[Sequence[Sequence[str]], int]], constant: int
) -> dict[str, dict[str, Fraction]]:
    """Return query -> document -> fused score, by the definition."""
    sums: dict[str, dict[str, Fraction]] = {}
    for lists, weight in parts:
        for q, docs in enumerate(lists):
            for rank, doc in enumerate(docs, 1):
                held = sums.setdefault(f"q{q}", {})
                held[doc] = held.get(doc, Fraction(0)) + Fraction(weight, constant + rank)
    return sums


@given(WEIGHTED, st.integers(0, 100))
def test_a_fused_score_is_the_sum_of_its_definition(
    parts: list[tuple[list[list[str]], int]], constant: int
) -> None:
    """Weight over constant plus rank, summed over the runs that hold a document, and over no other."""
    fused = fuse_ranks("f", [run(lists) for lists, _ in parts], [w for _, w in parts], constant)
    sums = exact(parts, constant)
    assert set(fused.query_ids) == set(sums)
    for query_id, docs, scores in fused:
        assert set(docs) == set(sums[query_id])
        assert all(
            abs(score - float(sums[query_id][doc])) <= 1e-15 * score
            for doc, score in zip(docs, scores.tolist(), strict=True)
        )


@given(WEIGHTED, st.randoms())
def test_the_order_of_the_runs_decides_nothing(
    parts: list[tuple[list[list[str]], int]], random: Random
) -> None:
    """Scores are the same to the last bit, so that ties stay ties and doc_id decides them."""
    shuffled = list(parts)
    random.shuffle(shuffled)
    one, other = (
        fuse_ranks("f", [run(lists) for lists, _ in some], [float(w) for _, w in some])
        for some in (parts, shuffled)
    )
    for query_id in one.query_ids:
        assert one.docs(query_id) == other.docs(query_id)
    assert sorted(one.scores.tolist()) == sorted(other.scores.tolist())


def test_documents_with_the_same_ranks_are_tied() -> None:
    """Ranks 1, 4, 3, 5 and 3, 5, 1, 4 sum to one score, and the tie goes to the greater id, as everywhere."""
    fused = fuse_ranks("f", [run(["axb"]), run(["xyzab"]), run(["bxa"]), run(["xyzba"])])
    assert fused.docs("q0")[1:3] == ("b", "a")
    assert fused.scores[1] == fused.scores[2]
