"""What the manifest says of the judgments of a dataset."""

from __future__ import annotations

import pytest

from evalkit.records import QRELS, ChosenJudgments, Rater, RaterShare
from evalkit.results.judgment_facts import JudgmentFacts

ANNA, GPT = Rater("human", "anna"), Rater("model", "gpt-4o", prompt_sha256="1a2b3c4d" * 8)


@pytest.mark.parametrize(
    ("shares", "records"),
    [
        ([], False),
        ([RaterShare(QRELS, 9)], False),
        ([RaterShare(QRELS, 9), RaterShare(ANNA, 0, stale=3)], False),
        ([RaterShare(QRELS, 9), RaterShare(ANNA, 1)], True),
        ([RaterShare(ANNA, 9)], True),
        ([RaterShare(GPT, 9)], True),
    ],
)
def test_records_are_grades_of_named_raters(shares: list[RaterShare], *, records: bool) -> None:
    """One that counts is enough; files of qrels name no rater, and grades that do not count change nothing."""
    assert JudgmentFacts.of(ChosenJudgments({}, shares=tuple(shares)), (), None).has_records is records
