"""The grades of single raters, and which are compared."""

from __future__ import annotations

import pytest

from evalkit.errors import InputError, UnknownNameError
from evalkit.judging.rater_grades import (
    CurrentTexts,
    MissingRatersError,
    RaterGrades,
    choose_judges,
    choose_reference,
    grades_by_rater,
    raters_of,
)
from evalkit.records import Judgment, Qrels, Rater
from evalkit.records.judgments import text_sha256

ANNA, BEN, MODEL = Rater("human", "anna"), Rater("human", "ben"), Rater("model", "m", "0123456789")


def judged(rater: Rater, doc_id: str, grade: float | None, **more: str) -> Judgment:
    """Return a judgment of query q."""
    failure = "answer: none" if grade is None else None
    return Judgment("q", doc_id, grade, rater, "2026-01-01T00:00:00Z", failure=failure, **more)


def test_last_judgment_counts_and_a_failure_is_no_grade() -> None:
    """A later failure withdraws a grade; raters never overwrite each other."""
    lines = [judged(ANNA, "a", 1), judged(ANNA, "a", 3), judged(BEN, "a", 0), judged(ANNA, "b", 2)]
    found = grades_by_rater([*lines, judged(ANNA, "b", None)])
    assert {rater: qrels.grades for rater, qrels in found.items()} == {
        ANNA: {"q": {"a": 3}},
        BEN: {"q": {"a": 0}},
    }


def test_stale_judgments_are_left_out_where_texts_are_known() -> None:
    """A judgment of another text is no grade of the current one."""
    old = judged(ANNA, "a", 1, doc_sha256=text_sha256("before"))
    texts = CurrentTexts(["q"], lambda _: text_sha256("query"), lambda _: text_sha256("after"))
    assert grades_by_rater([old], texts)[ANNA].grades == {}
    assert grades_by_rater([old])[ANNA].grades == {"q": {"a": 1}}


def test_people_together_are_the_reference() -> None:
    """Of several people's grades of a pair the mean counts; all models are audited."""
    raters = raters_of(grades_by_rater([judged(ANNA, "a", 1), judged(BEN, "a", 2), judged(BEN, "b", 3)]))
    assert choose_reference(raters, None, "f").qrels.grades == {"q": {"a": 1.5, "b": 3}}
    assert choose_reference(raters, None, "f").name == "people"
    assert choose_reference(raters, "ben", "f").qrels.grades == {"q": {"a": 2, "b": 3}}
    with pytest.raises(InputError, match="no model has judged"):
        choose_judges(raters, None, "f")


def test_a_person_who_is_audited_is_no_part_of_the_reference() -> None:
    """The others are; without another person, or against herself by name, it is refused."""
    raters = raters_of(grades_by_rater([judged(ANNA, "a", 1), judged(BEN, "a", 2), judged(BEN, "b", 3)]))
    found = choose_reference(raters, None, "f", {"anna"})
    assert (found.name, found.qrels.grades) == ("ben", {"q": {"a": 2, "b": 3}})
    with pytest.raises(MissingRatersError, match="f: no other person has judged"):
        choose_reference(raters[:1], None, "f", {"anna"})
    with pytest.raises(InputError, match="'anna' would be compared with itself"):
        choose_reference(raters, "anna", "f", {"anna"})


def test_raters_are_named_by_label_name_or_tag() -> None:
    """The tag of a judge is a name of its rater; an unknown name is an error with the nearest one."""
    raters = raters_of({MODEL: Qrels({"q": {"a": 1}})}, {MODEL: frozenset({"luna"})})
    for name in ("luna", "m", "m (01234567)"):
        assert choose_judges(raters, name, "f") == raters
    with pytest.raises(UnknownNameError) as raised:
        choose_judges(raters, "lunar", "f")
    assert raised.value.hint is not None
    assert "luna" in raised.value.hint
    with pytest.raises(InputError, match="no person has judged"):
        choose_reference(raters, None, "f")


def test_one_name_for_several_raters_is_refused() -> None:
    """Two prompts of one model are two raters."""
    other = Rater("model", "m", "9876543210")
    raters = raters_of({MODEL: Qrels({}), other: Qrels({})})
    with pytest.raises(InputError, match="names several raters"):
        choose_judges(raters, "m", "f")
    same = raters_of({MODEL: Qrels({}), Rater("model", "m", "0123456789", "other scale"): Qrels({})})
    assert [one.name for one in same] == ["m (01234567)", "m (01234567) (2)"]
    assert isinstance(same[0], RaterGrades)
