"""Which grade a document may get, and which system is compared by default."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evalkit.comparison.next_judgments import next_judgments
from evalkit.records import Judgment, Qrels, Rater, Run
from evalkit.workflows import judge_next


def pooled(*grades: float, scales: tuple[str, ...] = ()) -> Any:
    """Return a dataset with grades, and with raters on scales."""
    judgments = [Judgment("q", "d", 0.0, Rater("human", "ann", scale=scale), "") for scale in scales]
    qrels = Qrels({"q": {f"d{number}": grade for number, grade in enumerate(grades)}})
    return SimpleNamespace(
        name="d", dataset=SimpleNamespace(qrels=qrels), sources=[SimpleNamespace(judgments=judgments)]
    )


@pytest.mark.parametrize(
    ("grades", "scales", "highest"),
    [
        ((), (), 3.0), ((0.8,), (), 1.0), ((2.9,), (), 3.0), ((1,), ("0: no\n1: yes\n2: very",), 2.0),
        ((4,), ("0: no\n1: yes",), 4.0), ((1,), ("in words",), 1.0),
    ],
)  # fmt: skip
def test_the_highest_grade_is_that_of_the_scale_and_never_below_a_seen_one(
    grades: tuple[float, ...], scales: tuple[str, ...], highest: float
) -> None:
    """A fraction is rounded up: a grade that no judgment has yet can reverse a difference."""
    config: Any = SimpleNamespace(judges={})
    assert judge_next.highest_grade(pooled(*grades, scales=scales), config) == highest
    config.judges["j"] = SimpleNamespace(scale=("a",) * 6)
    assert judge_next.highest_grade(pooled(*grades, scales=scales), config) == 5.0


def test_a_query_without_a_value_does_not_decide_on_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean is that of the known values, so the choice does not depend on the order of the systems."""
    values = {"bad": [0.5, 0.5], "good": [math.nan, 0.9], "none": [math.nan, math.nan], "first": [1.0, 1.0]}
    monkeypatch.setattr(
        judge_next, "evaluate", lambda run, *_: SimpleNamespace(values=np.array([values[run]]).T)
    )
    for tags in (list(values), list(values)[::-1]):
        systems: Any = {tag: SimpleNamespace(run=tag) for tag in tags}
        assert judge_next._best_other(pooled(), systems, "first", "nDCG@5") == "good"


def test_a_grade_of_zero_makes_no_document_relevant() -> None:
    """The highest grade is used as it is given, also where it is 0: then nothing is reversed."""
    one, other = (Run.from_rows(tag, ["q"] * 2, docs, [2.0, 1.0]) for tag, docs in (("a", "xy"), ("b", "yx")))
    assert next_judgments(one, other, Qrels({"q": {"x": 1}}), "nDCG@5", 0.0).to_reverse is None
    assert next_judgments(one, other, Qrels({"q": {"x": 1}}), "nDCG@5", 3.0).to_reverse == 1
