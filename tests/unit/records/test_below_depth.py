"""Candidates below the depth stay below the reranked ones, in first-stage order."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.systems import run_of

from evalkit.formats import read_run, write_run
from evalkit.records import append_below

FIRST = run_of(
    "bm25", {"q1": {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0}, "q2": {"x": 2.0}, "q3": {"y": 1.0, "z": 1.0}}
)


def test_the_others_follow_in_first_stage_order() -> None:
    """Equal first-stage scores are in descending order of doc_id; a list within the depth stays as it is."""
    reranked = run_of("r", {"q1": {"b": 9.0, "a": 8.0}, "q2": {"x": 5.0}, "q3": {"z": 7.0}})
    assert [docs for _, docs, _ in append_below(reranked, FIRST, 2)] == [
        ("b", "a", "c", "d"),
        ("x",),
        ("z",),
    ]
    ranking = append_below(reranked, FIRST, 1)
    assert ranking.docs("q3") == ("z", "y")
    assert ranking.tag == "r"


def test_a_query_without_a_ranking_gets_none() -> None:
    """A failed query has no scores, so its candidates are not a ranking of the reranker."""
    reranked = run_of("r", {"q1": {"b": 9.0, "a": 8.0}})
    assert append_below(reranked, FIRST, 2).query_ids == ("q1",)


def test_without_candidates_below_the_depth_the_run_is_the_same() -> None:
    """Nothing is copied, and nothing changes."""
    assert append_below(FIRST, FIRST, 4) is FIRST


@given(
    scores=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
    below=st.integers(1, 40),
)
def test_made_up_scores_are_strictly_below_the_lowest_score(scores: list[float], below: int) -> None:
    """For every finite float64, so that no tool ties or reorders them; reranked documents keep order and ties."""
    tail = {f"t{n:02}": -2.0 - n for n in range(below)}
    first = run_of("f", {"q": {"a": 0.0, "b": -1.0, **tail}})
    reranked = run_of("r", {"q": {"a": scores[0], "b": scores[1]}})
    ((_, docs, found),) = append_below(reranked, first, 2)
    assert docs == (*reranked.docs("q"), *tail)
    assert np.isfinite(found).all()
    assert all(upper > lower for upper, lower in pairwise(found[1:].tolist()))
    assert (found[0] > found[1]) == (reranked.scores[0] > reranked.scores[1])


@pytest.mark.parametrize("lowest", [0.25, -7.5, 1e6, -1e12])
def test_reranked_documents_keep_their_scores(lowest: float) -> None:
    """Only the candidates below the depth have made-up scores, which differ as float32, too."""
    reranked = run_of("r", {"q1": {"b": lowest + 1.0, "a": lowest}})
    ((_, _, found),) = append_below(reranked, FIRST, 2)
    assert found[:2].tolist() == [lowest + 1.0, lowest]
    assert len(set(found[1:].astype(np.float32).tolist())) == 3


def test_where_no_lower_score_exists_ranks_take_the_place_of_scores() -> None:
    """The lowest float64 leaves no room: order and ties of the list stay."""
    least = -sys.float_info.max
    first = run_of("f", {"q": {"a": 5.0, "b": 4.0, "c": 3.0, "d": 2.0}})
    reranked = run_of("r", {"q": {"a": least, "b": 1.0, "c": least}})
    ((_, docs, found),) = append_below(reranked, first, 3)
    assert docs == ("b", "c", "a", "d")
    assert found.tolist() == [1.0, 0.0, 0.0, -1.0]


def test_the_written_file_has_the_same_order(tmp_path: Path) -> None:
    """A TREC file that is read again, sorted by its scores, is the ranking."""
    ranking = append_below(run_of("r", {"q1": {"b": 0.5, "a": 0.25}, "q3": {"z": 1.0, "y": 2.0}}), FIRST, 2)
    write_run(ranking, tmp_path / "r.trec.gz")
    again = read_run(tmp_path / "r.trec.gz")
    assert (again.query_ids, again.doc_ids) == (ranking.query_ids, ranking.doc_ids)
