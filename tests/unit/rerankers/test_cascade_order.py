"""The order of a cascade for one query, against a plain computation with lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.records import Run
from evalkit.rerankers.cascade_order import CascadeRule, margin_of, order_documents

SCORE = st.integers(-3, 3).map(lambda n: n / 3)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[str], list[list[float]], tuple[int, ...]]:
    """Return documents, scores of each of two or three stages with many ties, and what the stages keep."""
    documents = draw(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=9, unique=True))
    keeps = draw(st.lists(st.integers(1, 9), min_size=1, max_size=2, unique=True))
    lists = st.lists(SCORE, min_size=len(documents), max_size=len(documents))
    return documents, [draw(lists) for _ in range(len(keeps) + 1)], tuple(sorted(keeps, reverse=True))


def ranked(documents: list[str], scores: dict[str, float]) -> list[str]:
    """Return documents in the order of trec_eval."""
    return list(Run.from_rows("t", ["q"] * len(documents), documents, [scores[d] for d in documents]).doc_ids)


def by_hand(documents: list[str], stages: list[list[float]], keeps: tuple[int, ...]) -> list[str]:
    """Return the cascade as a list of documents."""
    scores = [dict(zip(documents, one, strict=True)) for one in stages]
    found = ranked(documents, scores[0])
    for number, keep in enumerate(keeps, start=1):
        found = ranked(found[:keep], scores[number]) + found[keep:]
    return found


@given(worlds())
def test_each_stage_orders_what_the_stage_before_keeps(
    world: tuple[list[str], list[list[float]], tuple[int, ...]],
) -> None:
    """The others follow in the order of the stage before; a run of the scores has this order."""
    documents, stages, keeps = world
    found = order_documents(
        documents, CascadeRule(keeps), lambda number, rows: np.array(stages[number])[rows]
    )
    expected = by_hand(documents, stages, keeps)
    assert [documents[i] for i in found.order] == expected
    assert ranked(documents, dict(zip(documents, found.scores.tolist(), strict=True))) == expected


@given(worlds())
def test_dropped_documents_have_the_score_0_and_no_rank(
    world: tuple[list[str], list[list[float]], tuple[int, ...]],
) -> None:
    """Only what the last stage scored is returned, in the same order as with ``kept``."""
    documents, stages, keeps = world

    def score(number: int, rows: np.ndarray) -> np.ndarray:
        return np.array(stages[number])[rows]

    kept = order_documents(documents, CascadeRule(keeps), score)
    dropped = order_documents(documents, CascadeRule(keeps, drops=True), score)
    assert dropped.order.tolist() == kept.order.tolist()[: keeps[-1]]
    assert np.array_equal(dropped.scores[dropped.order], kept.scores[dropped.order])
    assert set(np.flatnonzero(dropped.scores == 0)) == set(kept.order.tolist()[keeps[-1] :])


@given(worlds(), st.sampled_from([0.1, 1 / 3, 1.0, 5.0]))
def test_a_clear_first_stage_skips_the_others(
    world: tuple[list[str], list[list[float]], tuple[int, ...]], margin: float
) -> None:
    """Exactly where its margin is large enough; a stage that is skipped is not asked."""
    documents, stages, keeps = world
    asked: list[int] = []

    def score(number: int, rows: np.ndarray) -> np.ndarray:
        asked.append(number)
        return np.array(stages[number])[rows]

    found = order_documents(documents, CascadeRule(keeps, skip_margin=margin), score)
    first, second = sorted([*stages[0], -np.inf], reverse=True)[:2]
    assert found.skipped == (first - second >= margin)
    assert asked == ([0] if found.skipped else list(range(len(stages))))
    expected = by_hand(documents, stages, () if found.skipped else keeps)
    assert [documents[i] for i in found.order] == expected


def test_ties_of_a_stage_share_the_rank_of_the_first() -> None:
    """So that ties are counted as ties; documents of different stages are never tied."""
    stages = [np.array([3.0, 2.0, 1.0, 1.0, 1.0]), np.array([5.0, 5.0, 1.0, 1.0, 1.0])]
    found = order_documents(list("abcde"), CascadeRule((2,)), lambda number, rows: stages[number][rows])
    assert found.scores.tolist() == [1.0, 1.0, 1 / 3, 1 / 3, 1 / 3]


def test_a_later_stage_gets_only_the_kept_documents() -> None:
    """In the order of the stage before."""
    asked = []

    def score(_: int, rows: np.ndarray) -> np.ndarray:
        asked.append(rows.tolist())
        return np.array([1.0, 4.0, 3.0, 2.0])[rows]

    order_documents(list("abcd"), CascadeRule((3, 1)), score)
    assert asked == [[0, 1, 2, 3], [1, 2, 3], [1]]


def test_the_margin_is_between_the_two_best_scores() -> None:
    """A single document has an infinite margin: no other order is possible."""
    assert margin_of(np.array([0.25, 2.0, -1.0, 1.5])) == 0.5
    assert margin_of(np.array([1.0, 1.0])) == 0.0
    assert margin_of(np.array([7.0])) == np.inf
