"""What makes the judgments of a model doubtful is found, and judgments of people are not looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.inspected import check_input, dataset

from evalkit.dataset_checks.model_judgments import model_judgments
from evalkit.records import (
    Judgment,
    JudgmentsOfSource,
    Rater,
    choose_judgments,
    text_sha256,
)

GPT = Rater("model", "gpt", "1a2b3c4d" * 8)
DOCUMENTS = {f"d{n}": f"text {n}" for n in range(120)}


def codes(
    grades: list[float | None], *, stale: int = 0, raters: tuple[Rater, ...] = (GPT,)
) -> dict[str, dict[str, int | float | None]]:
    """Return code -> counts of the findings on judgments of one query, by raters in turn."""
    rows = [
        Judgment(
            "q", f"d{n}", grade, raters[n % len(raters)], "2026",
            doc_sha256=text_sha256("before" if n < stale else f"text {n}"),
            failure=None if grade is not None else "answer: none",
        )
        for n, grade in enumerate(grades)
    ]  # fmt: skip
    chosen = choose_judgments(
        {}, [JudgmentsOfSource("f", rows)], ["q"], text_sha256, lambda doc: text_sha256(DOCUMENTS[doc])
    )
    data = replace(dataset(DOCUMENTS, {"q": "query"}, chosen.grades), chosen=chosen)
    return {one.code: dict(one.counts) for one in model_judgments(check_input(data))}


@pytest.mark.parametrize("raters", [(GPT,), (GPT, replace(GPT, name="gpt-2026"))])
def test_doubtful_judgments_of_models(raters: tuple[Rater, ...]) -> None:
    """Few grades, one grade, more than 5 % failures, any stale ones; several names of a model are one."""
    mixed: list[float | None] = [0.0, 1.0] * 55
    assert codes(mixed, raters=raters) == {}
    assert codes(mixed[:98], raters=raters) == {"judge_few_grades": {"grades": 98}}
    assert codes([2.0] * 110, raters=raters) == {"judge_one_grade": {"grades": 110, "grade": 2.0}}
    assert codes([*mixed, *[None] * 5], raters=raters) == {}
    assert codes([*mixed, *[None] * 6], raters=raters) == {"judge_failures": {"failed": 6, "pairs": 116}}
    assert codes(mixed, stale=4, raters=raters) == {"judge_stale": {"stale": 4, "pairs": 110}}


def test_judgments_of_people_are_not_looked_at() -> None:
    """People may grade few documents, and all alike."""
    assert codes([1.0] * 3, raters=(Rater("human", "anna"),)) == {}
    assert codes([None] * 3, raters=(GPT,)) == {"judge_failures": {"failed": 3, "pairs": 3}}
