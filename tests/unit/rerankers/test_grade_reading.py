"""Answers in words become one grade or a named failure, and never a grade of 0 by default."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalkit.errors import CallError
from evalkit.rerankers.grade_reading import read_grade


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ('{"grade": 2}', 2), ('{"grade":0}', 0), ('{"grade": "3"}', 3), ('{"grade": 2.0}', 2), ('{"Grade": 1}', 1),
        ('```json\n{"grade": 1}\n```', 1), ('Here you are: {"grade": 3}. It answers the query.', 3),
        ('{"reason": "on topic", "grade": 1}', 1), ('{"result": {"grade": 1}}', 1), ('{"grade": 2}{"grade": 2}', 2),
        ('{"grade": 2} (2 out of 3)', 2), ('It is of 2024 and has 17 pages. {"grade": 2}', 2),
        ("2", 2), ("0", 0), (" 2.", 2), ("**2**", 2), ("`2`", 2), ("2.0", 2), ("(2)", 2), ("[2]", 2), ("+2", 2),
        ("Grade: 2", 2), ("grade=2", 2), ("**Grade:** 2", 2),
        ("2/3", 2), ("2 / 3", 2), ("**2**/3", 2), ("2 out of 3", 2),
        ("3/3", 3),
        ("{'grade': 2}", 2), ("I can't find a flaw: {\"grade\": 3}", 3),
        ('<think>3? or {"grade": 1}</think>{"grade": 2}', 2), ("is it 3? no</think>2", 2),
        ("<THINKING>0</THINKING>\n\n2", 2), ("<think>\n\n</think>\n\n1", 1),
        ("The grade is 2.", 2), ("Relevance score: 1", 1), ("## Final score: 2", 2), ("My judgment - 2", 2),
        ("answer 3", 3), ("Label: `0`", 0), ("Output: 2 / 3.", 2), ("Grade:\n\n**2**", 2), ("```text\n2\n```", 2),
        ("It has 3 parts and answers in part.\n\nGrade: 2", 2), ("It cannot answer the query.\n**Grade:** 0", 0),
        ("It is about cats.\n1", 1), ("It answers 90 %.\n```\nscore = 2\n```", 2),
    ],
)  # fmt: skip
def test_an_answer_with_one_grade_has_it(text: str, grade: int) -> None:
    """JSON, a number with or without its name as the whole answer, or as the last line after prose: the grade."""
    assert read_grade(text, 3) == grade


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"), (" \n", "is empty"), ("relevant", "names no grade"), ("two", "names no grade"),
        ("2 or 3", "several numbers (2, 3)"), ("2-3", "several numbers"), ("1. It is 2", "several numbers"),
        ("2/4", "several numbers"), ("2.5", "2.5 is not on the scale"), ("2,5", "not on the scale"),
        ("-1", "-1 is not on the scale"), ("\u22121", "not on the scale"), ("4", "4 is not on the scale 0 to 3"),
        ("2%", "not on the scale"), ("90 %", "not on the scale"), ("1" * 400, "not on the scale"),
        ("2nd", "names no grade"), ("B2", "names no grade"), ("\u0662", "names no grade"), ("1e0", "names no grade"),
        ("It has 3 steps and answers exactly", "may be no grade"), ("3 steps are described", "may be no grade"),
        ("This document is for grade 3 pupils and does not answer the query.", "may be no grade"),
        ("The answer is in chapter 3", "may be no grade"), ("1. The document is about cats.", "may be no grade"),
        ("The grade is 2, as it is in part.", "may be no grade"), ("2 - in part", "may be no grade"),
        ("2\nIt answers in part.", "may be no grade"), ("2, because it does.", "may be no grade"),
        ("I would give this document a 2.", "may be no grade"), ("It won't help anyone: 0", "may be no grade"),
        ("On a scale of 0 to 3: 1", "may be no grade"), ("It answers nothing. Grade: 0", "may be no grade"),
        ("Grade: 2 of the pupils", "may be no grade"), ("grade 3 pupils\nread it", "may be no grade"),
        ("Grade: 1\nOn second thought it is more.\nGrade: 2", "several numbers (1, 2)"),
        ("2\nIt is good.\n2", "several numbers (2)"), ("Grade: -1", "-1 is not"), ("Grade -1", "-1 is not"),
        ('{"grade": 4}', "4 is not on the scale"), ('{"grade": 2.5}', "2.5 is not"), ('{"grade": -1}', "-1 is not"),
        ('{"grade": null}', "null is not"), ('{"grade": true}', "true is not"), ('{"grade": "high"}', "high is not"),
        ('{"grade": [3]}', "[3] is not"), ('{"grade": NaN}', "NaN is not"), ('{"grade": ""}', "not on the scale"),
        ('{"grade": 3, "grade": 0}', "several grades (0, 3)"), ('{"grade": 1} {"grade": 3}', "several grades (1, 3)"),
        ('The document says {"grade": 3}. I grade it 1.', "several grades (1, 3)"),
        ('My grade is 1, whatever it says: {"grade": 3}', "several grades (1, 3)"),
        ("the grade is on the scale 0-3", "names no grade"), ("0 to 3", "names no grade"),
        ('{"grade": ' + '{"a": ' * 3000, "names no grade"),
    ],
)  # fmt: skip
def test_an_answer_without_exactly_one_grade_fails(text: str, said: str) -> None:
    """Nothing, words, several numbers, numbers off the scale or in a sentence: a failure that quotes the answer."""
    with pytest.raises(CallError) as raised:
        read_grade(text, 3)
    assert raised.value.kind == "answer"
    assert said in str(raised.value)
    assert (raised.value.body or "")[:100] == text[:100]
    assert not raised.value.remedy.transient


@pytest.mark.parametrize(
    "text",
    [
        "I can't help with that.", "I can\u2019t help with that", "I'm sorry, but I cannot assist with this request.",
        "I am not able to provide a grade for this document.", "I cannot grade this: 0", "I won't rate it.",
        "We are not allowed to grade such texts.", "Unable to comply.",
    ],
)  # fmt: skip
def test_a_refusal_is_named_one(text: str) -> None:
    """A model that declines to grade has given no grade, even if its answer has a number."""
    with pytest.raises(CallError, match="declined to grade") as raised:
        read_grade(text, 3)
    assert raised.value.kind == "refusal"


@pytest.mark.parametrize(
    ("text", "cut", "reasoned"),
    [
        ("The document", True, False), ("2", True, False), ('{"grade": ', True, False), ("", True, False),
        ("", False, True), ("<think>it may be 3", False, False), ("<think>3</think>", False, False),
    ],
)  # fmt: skip
def test_an_answer_that_was_cut_asks_for_more_tokens(text: str, *, cut: bool, reasoned: bool) -> None:
    """An answer that ends at the limit of tokens, or in its reasoning, fails with the setting to raise."""
    with pytest.raises(CallError, match="cut off") as raised:
        read_grade(text, 3, cut=cut, reasoned=reasoned)
    assert (raised.value.kind, raised.value.hint) == ("answer", "raise max_answer_tokens")


def test_a_complete_object_of_a_cut_answer_is_read() -> None:
    """The grade of a JSON object does not depend on the prose that was cut after it."""
    assert read_grade('{"grade": 1} as it', 3, cut=True) == 1


def test_the_scale_decides_what_names_it() -> None:
    """On a scale to 10, ``7/10`` is 7 and 10 is a grade; on a scale to 1, ``1/1`` is 1."""
    assert (read_grade("7/10", 10), read_grade("10", 10), read_grade("1/1", 1)) == (7, 10, 1)


PARTS = st.sampled_from(
    ["grade", ": ", "{", "}", '"grade"', "0", "2", "3", "4", "/", " out of ", "<think>", "</think>", "```", "**", ".",
     "-", "\n", "is", "I cannot grade", "\u0662", "\ud800", '{"grade": 1}', "%", ",", '"', "[", "null", "1e9", " "]
)  # fmt: skip


@given(parts=st.lists(PARTS, max_size=14), highest=st.integers(1, 10))
@example(parts=['{"'] * 30_000, highest=3)
@example(parts=["2 "] * 20_000, highest=3)
@example(parts=["<think>"] * 5_000, highest=3)
@example(parts=["2"] * 60_000, highest=3)
def test_every_answer_is_a_grade_of_the_scale_or_a_failure(parts: list[str], highest: int) -> None:
    """Whatever a model writes, the result is a whole grade of the scale that the answer contains, or a `CallError`."""
    text = "".join(parts)
    found: int | CallError
    try:
        found = read_grade(text, highest)
    except CallError as error:
        found = error
    if isinstance(found, CallError):
        assert found.kind in {"answer", "refusal"}
        assert len(str(found)) < 500
    else:
        assert 0 <= found <= highest
        assert str(found) in text
