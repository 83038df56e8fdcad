"""Agreement of two raters on pairs: which pairs, levels, and what is undefined."""

from __future__ import annotations

import pytest

from evalkit.judging.agreement import MOST_LEVELS, agreement
from evalkit.judging.common_grades import common_grades
from evalkit.records import Qrels

PEOPLE = Qrels({f"q{n}": {"a": n % 3, "b": 2, "c": 0} for n in range(12)})
JUDGE = Qrels({f"q{n}": {"a": n % 2, "b": 2, "d": 1} for n in range(12)})


def test_holes_are_left_out_and_counted() -> None:
    """Only pairs with both grades count; the others are counted by rater."""
    pairs = common_grades(JUDGE, PEOPLE)
    assert (len(pairs.doc_ids), pairs.only_judge, pairs.only_reference, pairs.queries) == (24, 12, 12, 12)


def test_grades_below_zero_are_zero_and_exclusions_are_no_grades() -> None:
    """A grade of -1 agrees with 0; -100 is an exclusion."""
    pairs = common_grades(Qrels({"q": {"a": 0, "b": 1}}), Qrels({"q": {"a": -1, "b": -100}}))
    assert (pairs.doc_ids, pairs.reference.tolist(), pairs.only_judge) == (("a",), [0.0], 1)


def test_matrix_has_the_judge_in_rows() -> None:
    """Every pair is counted once, by the level of the judge and of the reference."""
    found = agreement(common_grades(Qrels({"q": {"a": 2, "b": 0}}), Qrels({"q": {"a": 0, "b": 0}})))
    assert found.levels == (0, 2)
    assert found.matrix == ((1, 0), (1, 0))


def test_fractional_grades_are_rounded_half_up_for_levels_only() -> None:
    """1.5 is level 2; alpha still sees the difference of a half."""
    judge = Qrels({f"q{n}": {"a": 1.5, "b": 0.0} for n in range(10)})
    people = Qrels({f"q{n}": {"a": 2, "b": 0} for n in range(10)})
    found = agreement(common_grades(judge, people))
    assert (found.raw.estimate, found.kappa.estimate) == (1.0, 1.0)
    assert found.alpha.estimate is not None
    assert found.alpha.estimate < 1


@pytest.mark.parametrize(
    ("judge", "people", "reason"),
    [
        ({"q": {"a": 1}}, {"q": {"b": 1}}, "no pair was judged by both"),
        ({"q": {"a": 1, "b": 1}}, {"q": {"a": 1, "b": 1}}, "all grades of the judge are 1"),
        ({"q": {"a": 1, "b": 1}}, {"q": {"a": 0, "b": 1}}, "all grades of the judge are 1"),
        ({"q": {"a": 0, "b": 1}}, {"q": {"a": 2, "b": 2}}, "all grades of the reference are 2"),
    ],
)
def test_undefined_agreement_is_null_with_its_reason(judge: dict, people: dict, reason: str) -> None:
    """No pair, or a rater with one level: agreement beyond chance has no value, and not 0 or 1."""
    found = agreement(common_grades(Qrels(judge), Qrels(people)))
    for one in (found.kappa, found.linear_kappa, found.quadratic_kappa, found.alpha):
        assert (one.estimate, one.lower, one.upper, one.reason) == (None, None, None, reason)


def test_few_queries_have_an_estimate_and_a_reason_for_no_interval() -> None:
    """Nine queries: numbers without bounds."""
    found = agreement(common_grades(JUDGE.restricted_to([f"q{n}" for n in range(9)]), PEOPLE))
    assert found.kappa.estimate is not None
    assert (found.kappa.lower, found.kappa.reason) == (None, "fewer than 10 queries: no interval")
    assert agreement(common_grades(JUDGE, PEOPLE)).kappa.reason is None


def test_many_levels_are_no_levels() -> None:
    """Counts of clicks have an alpha, but no table of levels and no kappa."""
    grades = {"q": {str(n): n for n in range(MOST_LEVELS + 1)}}
    found = agreement(common_grades(Qrels(grades), Qrels(grades)))
    assert (found.levels, found.matrix, found.kappa.estimate) == ((), (), None)
    assert found.kappa.reason == "there are 21 levels, more than 20"
    assert (found.alpha.estimate, found.raw.estimate) == (1.0, 1.0)


def test_same_seed_same_interval() -> None:
    """The bootstrap is seeded."""
    pairs = common_grades(JUDGE, PEOPLE)
    assert agreement(pairs, seed=3) == agreement(pairs, seed=3)
