"""Tournaments: right answers give the right order, and the number of questions is the one that is announced."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.rerankers.tournaments import Tournament

KINDS = (
    Tournament("heap", 3, 10, both_orders=False),
    Tournament("sliding", 4, 10, both_orders=False),
    Tournament("sliding", 2, 10, both_orders=True),
    Tournament("all_pairs", 2, 1, both_orders=True),
)


@st.composite
def tournaments(draw: st.DrawFn) -> Tournament:
    """Return any tournament."""
    top = draw(st.integers(1, 30))
    method = draw(st.sampled_from(("heap", "sliding", "pairs", "all_pairs")))
    if method == "heap":
        return Tournament("heap", draw(st.integers(3, 7)), top, both_orders=False)
    if method == "sliding":
        return Tournament("sliding", draw(st.integers(3, 7)), top, both_orders=False)
    return Tournament("all_pairs" if method == "all_pairs" else "sliding", 2, top, both_orders=True)


def asked(answer: Callable[[Sequence[int]], int]) -> tuple[Callable[[Sequence[int]], int], list[list[int]]]:
    """Return a model that answers so, and the questions that it will have been asked."""
    questions: list[list[int]] = []

    def best(indices: Sequence[int]) -> int:
        questions.append(list(indices))
        return answer(indices)

    return best, questions


@given(tournament=tournaments(), relevance=st.lists(st.integers(0, 99), min_size=1, max_size=24, unique=True))
def test_right_answers_find_the_best_in_order(tournament: Tournament, relevance: list[int]) -> None:
    """The first `top` are the best ones, the rest is complete, and no question is larger than it may be."""
    best, questions = asked(lambda found: max(range(len(found)), key=lambda place: relevance[found[place]]))
    order = tournament.order(len(relevance), best)
    truth = sorted(range(len(relevance)), key=lambda place: -relevance[place])
    top = len(truth) if tournament.method == "all_pairs" else tournament.top
    assert order[:top] == truth[:top]
    assert sorted(order) == sorted(truth)
    assert all(1 <= len(found) == len(set(found)) <= tournament.size for found in questions)


@given(tournament=tournaments(), documents=st.integers(0, 40), random=st.randoms(use_true_random=False))
def test_the_number_of_questions_is_known_before(
    tournament: Tournament, documents: int, random: object
) -> None:
    """Whatever a model answers, the questions are as many as announced, or with a heap at most as many."""
    best, questions = asked(lambda found: random.randrange(len(found)))  # type: ignore[attr-defined]
    order = tournament.order(documents, best) if documents else []
    assert sorted(order) == list(range(documents))
    announced = tournament.questions(documents)
    assert len(questions) == announced if tournament.is_exact else len(questions) <= announced


@given(documents=st.integers(2, 40), size=st.integers(3, 6))
def test_the_most_questions_of_a_heap_are_asked_where_every_answer_goes_down(
    documents: int, size: int
) -> None:
    """The bound of building a heap is reached: it is not merely large."""
    tournament = Tournament("heap", size, 1, both_orders=False)
    best, questions = asked(lambda found: 1 if len(found) > 1 else 0)
    tournament.order(documents, best)
    assert len(questions) == tournament.questions(documents)


@pytest.mark.parametrize(
    ("tournament", "documents", "questions"),
    [
        (KINDS[0], 100, 151), (KINDS[1], 100, 318), (KINDS[2], 100, 2 * 945), (KINDS[3], 100, 9900),
        (KINDS[0], 1, 1), (KINDS[2], 1, 1), (KINDS[3], 1, 1), (KINDS[3], 0, 0), (KINDS[2], 2, 2),
    ],
)  # fmt: skip
def test_known_numbers_of_questions(tournament: Tournament, documents: int, questions: int) -> None:
    """100 documents: a heap of threes needs at most 151 questions, all pairs in both orders 9,900."""
    assert tournament.questions(documents) == questions


@pytest.mark.parametrize("tournament", KINDS[2:])
@pytest.mark.parametrize("place", [0, 1])
def test_a_model_that_contradicts_itself_moves_nothing(tournament: Tournament, place: int) -> None:
    """Two answers that name the same place of two orders are a tie, and a tie keeps the order of the list."""
    assert tournament.order(7, lambda _found: place) == list(range(7))


def test_a_half_is_a_tie_among_all_pairs() -> None:
    """Points count: one win and one tie are more than two ties; equal points keep the order of the list."""
    wins = {(2, 0): 2, (0, 2): 2}
    order = KINDS[3].order(3, lambda found: list(found).index(wins.get((found[0], found[1]), found[0])))
    assert order == [2, 1, 0]
