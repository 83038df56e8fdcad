"""How a scale is shown."""

from __future__ import annotations

from evalkit.config.judge_settings import DEFAULT_SCALE
from evalkit.web.rating_task import RatingTask, scale_grades, scale_text


def test_the_default_scale_has_names() -> None:
    """The four grades have short names, and the words that all lines share are left out."""
    shown = scale_grades(DEFAULT_SCALE)
    assert [one.title for one in shown] == ["Unrelated", "Related", "Partial", "Exact"]
    assert shown[0].meaning == "Has nothing to do with the query."
    assert [one.key for one in shown] == ["0", "1", "2", "3"]


def test_a_line_can_begin_with_a_name() -> None:
    """Up to the first colon, if that is short."""
    shown = scale_grades(["Bad: not it", "no name", "a long sentence that happens to have a colon: here"])
    assert [(one.title, one.meaning) for one in shown] == [
        ("Bad", "not it"),
        ("", "No name"),
        ("", "A long sentence that happens to have a colon: here"),
    ]


def test_every_grade_has_a_key_of_its_own() -> None:
    """Eleven grades have eleven keys, none of which does something else."""
    keys = [one.key for one in scale_grades([f"line {number}" for number in range(11)])]
    assert len(set(keys)) == 11
    assert not set(keys) & set(" jung?")


def test_the_scale_is_a_text_of_the_rater() -> None:
    """One line a grade, with its number."""
    assert scale_text(["no", "yes"]) == "0: no\n1: yes"


def test_a_key_names_the_texts() -> None:
    """A pair with another text has another key; lone surrogates are texts, too."""
    one = RatingTask("d", "q", "x", "query", "document \ud800")
    assert one.key == RatingTask("d", "q", "x", "query", "document \ud800").key
    assert one.key != RatingTask("d", "q", "x", "query", "document").key
    assert one.key != RatingTask("d", "q", "x", "query", "document \ud800", "instruction").key
