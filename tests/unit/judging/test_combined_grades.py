"""The judgments of an ensemble: rules, missing members, and the rater."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.config import EnsembleSettings
from evalkit.judging.combined_grades import combine_grades, combine_judgments
from evalkit.records import Judgment, Rater

ONE, TWO = Rater("model", "one"), Rater("model", "two")


def judged(
    rater: Rater, doc_id: str, grade: float | None, at: str = "2026-01-01T00:00:00Z", **more: str
) -> Judgment:
    """Return a judgment of query q."""
    return Judgment(
        "q", doc_id, grade, rater, at, failure="answer: no number" if grade is None else None, **more
    )


def settings(**changes: object) -> EnsembleSettings:
    """Return an ensemble of one and two."""
    return EnsembleSettings.model_validate({"backend": "ensemble", "judges": ("one", "two"), **changes})


@pytest.mark.parametrize(
    ("grades", "mean", "median", "vote"),
    [
        ([0, 0, 3], 1.0, 0.0, 0.0),
        ([0, 1, 3], 4 / 3, 1.0, 1.0),
        ([0, 3], 1.5, 1.5, 1.5),
        ([1, 1, 2, 2, 3], 1.8, 2.0, 1.5),
        ([2.5], 2.5, 2.5, 3.0),
        ([1.98, 2.01, 0.3], 1.43, 1.98, 2.0),
        ([0.5, 1.4, 2.9], 1.6, 1.4, 1.0),
    ],
)
def test_rules(grades: list[float], mean: float, median: float, vote: float) -> None:
    """Mean and median; a vote is the most frequent level, a half rounded up; of equally frequent ones their median."""
    assert combine_grades(grades, "mean") == pytest.approx(mean)
    assert combine_grades(grades, "median") == median
    assert combine_grades(grades, "vote") == vote


def test_a_pair_without_a_members_grade_is_a_named_failure() -> None:
    """A member that failed or never judged is named with its reason; the pair stays unjudged."""
    members = [[judged(ONE, "a", 2), judged(ONE, "b", 1)], [judged(TWO, "a", 3), judged(TWO, "c", None)]]
    found = {one.doc_id: one for one in combine_judgments(members, settings())}
    assert (found["a"].grade, found["a"].failure, found["a"].raw) == (2.5, None, "one: 2, two: 3")
    assert (found["b"].grade, found["b"].failure) == (None, "member: two has no grade")
    assert found["c"].failure == "member: one has no grade; two has no grade (answer: no number)"


def test_at_least_one_grade_is_enough() -> None:
    """With `at_least` a pair needs that many grades only."""
    members = [[judged(ONE, "a", 2)], [judged(TWO, "a", None)]]
    assert combine_judgments(members, settings(at_least=1))[0].grade == 2
    assert combine_judgments(members, settings())[0].grade is None


def test_the_last_judgment_of_a_member_counts() -> None:
    """As everywhere; the time is that of the latest grade, and the texts are those that the members judged."""
    first = [judged(ONE, "a", 0), judged(ONE, "a", 2, "2026-01-03T00:00:00Z", doc_sha256="x")]
    one = combine_judgments([first, [judged(TWO, "a", 2, doc_sha256="x")]], settings())[0]
    assert (one.grade, one.at, one.doc_sha256) == (2, "2026-01-03T00:00:00Z", "x")


def test_different_texts_are_not_combined() -> None:
    """Grades of two texts are no two grades of one."""
    members = [[judged(ONE, "a", 2, doc_sha256="x")], [judged(TWO, "a", 2, doc_sha256="y")]]
    one = combine_judgments(members, settings())[0]
    assert (one.grade, one.failure) == (None, "member: one, two judged different texts")


def test_the_rater_is_named_after_its_members_and_changes_with_them() -> None:
    """Another prompt of a member is another ensemble; a member's missing grade is not."""
    members = [[judged(ONE, "a", 2), judged(ONE, "b", 2)], [judged(TWO, "a", 2)]]
    a, b = combine_judgments(members, settings(at_least=1))
    assert (a.rater.kind, a.rater.name) == ("model", "mean of one, two")
    assert a.rater == b.rater
    other = [members[0], [judged(Rater("model", "two", "prompt"), "a", 2)]]
    assert combine_judgments(other, settings(at_least=1))[0].rater != a.rater
    assert combine_judgments(members, settings(combine="vote"))[0].rater != a.rater


def test_members_count_with_their_last_prompt() -> None:
    """Grades of an earlier prompt of a member are not combined; another name of its model is the same member."""
    old, new = replace(ONE, prompt_sha256="a" * 64), replace(ONE, prompt_sha256="b" * 64)
    dated = replace(new, name="one-2026")
    first = [judged(old, "a", 3), judged(old, "b", 3), judged(new, "a", 0), judged(dated, "c", 1)]
    second = [judged(TWO, doc, 1) for doc in "abc"]
    found = {one.doc_id: one for one in combine_judgments([first, second], settings())}
    assert {doc: one.grade for doc, one in found.items()} == {"a": 0.5, "b": None, "c": 1}
    assert found["a"].rater == found["c"].rater
    again = combine_judgments([[judged(old, "a", 0)], second], settings(at_least=1))
    assert again[0].rater != found["a"].rater
