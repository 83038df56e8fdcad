"""What is said of a sign that unjudged documents may reverse."""

from __future__ import annotations

import pytest

from evalkit.cli.judge_next import _settling
from evalkit.comparison.next_judgments import NextJudgments


@pytest.mark.parametrize(
    ("expected", "probability", "more", "words"),
    [
        (0.1, None, None, ["with fewer than 20 judged documents, there is no probability"]),
        (0.1, 0.8, 7, ["new is ahead with a probability of 0.80", "about 7 more judgments in this order"]),
        (-0.1, 0.97, 0, ["old is ahead with a probability of 0.97", "settled", "on these queries only"]),
    ],
)  # fmt: skip
def test_a_settled_sign_is_no_claim(
    expected: float, probability: float | None, more: int | None, words: list[str]
) -> None:
    """The probability, who is ahead, and how many judgments it takes; a settled sign comes with its limit."""
    found = NextJudgments("old", "new", "nDCG@10", 9, 0.1, (), 3, False, expected, probability, more)
    said = _settling(found)
    assert all(word in said for word in words)
