"""The grades of a correction: people's and one judge's, unless people's are the judge's own or on several scales."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.inspected import dataset

from evalkit.config import JudgmentSource
from evalkit.judging.correction_grades import CorrectionGrades, correction_grades
from evalkit.records import Dataset, Judgment, Qrels, Rater

GPT = Rater("model", "gpt")
IDS = [f"q{n}" for n in range(40)]
DOCS = [f"d{n}" for n in range(10)]
FOUR = "0: a\n1: b\n2: c\n3: d"
TWO = "0: a\n1: b"


def world(own: dict[str, dict[str, float]] | None = None) -> Dataset:
    """Return queries and documents, with judgments of the dataset's own."""
    made = dataset(dict.fromkeys(DOCS, "text"), {q: f"query {q}" for q in IDS}, {"q0": {"d0": 1}})
    return replace(made, qrels=Qrels(own or {}))


def found(people: dict[Rater, np.ndarray], judge: np.ndarray, own: Dataset | None = None) -> CorrectionGrades:
    """Return the grades for ``(q, d)`` grades of people and of the judge; nan for none."""

    def lines(rater: Rater, grades: np.ndarray) -> list[Judgment]:
        return [
            Judgment(q, d, float(grades[i, j]), rater, "2026-01-01T00:00:00Z")
            for i, q in enumerate(IDS)
            for j, d in enumerate(DOCS)
            if not np.isnan(grades[i, j])
        ]

    sources = [
        (JudgmentSource(path=Path(f"{rater.name}.jsonl")), lines(rater, grades))
        for rater, grades in people.items()
    ]
    sources.append((JudgmentSource(judge="luna", path=Path("luna.jsonl")), lines(GPT, judge)))
    grades = correction_grades(own or world(), sources, IDS[:20], "luna")
    assert grades is not None
    return grades


def grades(seed: int, zeros: float = 0.5) -> np.ndarray:
    """Return ``(q, d)`` grades 0 to 3, many of them 0."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((40, 10)) < zeros, 0, rng.integers(1, 4, (40, 10))).astype(float)


ANNA, BEN = Rater("human", "anna", scale=FOUR), Rater("human", "ben", scale=TWO)


def test_grades_of_a_model_that_are_imported_as_a_person_s_correct_nothing() -> None:
    """Nearly all grades of 200 documents are equal: there is no error to learn from."""
    same = found({ANNA: grades(0)}, grades(0))
    assert same.withheld is not None
    assert same.withheld.why == "people's grades are the judge's"
    noisy = grades(0)
    noisy[:20:4, 0] = 3 - noisy[:20:4, 0]
    assert found({ANNA: noisy}, grades(0)).withheld is None


def test_agreement_that_many_zeros_bring_is_no_copy() -> None:
    """A good judge of pools of documents that are nearly all irrelevant agrees with people in 99 % of them."""
    people, judge = grades(1, zeros=0.97), grades(1, zeros=0.97)
    judge[:20][people[:20] == 3] = 2
    equal = (people[:20] == judge[:20]).mean()
    assert 0.98 < equal < 1
    assert found({ANNA: people}, judge).withheld is None


def test_few_equal_grades_or_one_grade_are_no_copy() -> None:
    """Below 100 documents, or where all have one grade, equal grades prove nothing."""
    few = grades(0)
    few[9:] = np.nan
    assert found({ANNA: few}, grades(0)).withheld is None
    assert found({ANNA: np.ones((40, 10))}, np.ones((40, 10))).withheld is None


@pytest.mark.parametrize("drawn", [True, False])
def test_people_s_grades_of_the_draw_are_on_one_scale(drawn: bool) -> None:
    """Two scales among the drawn queries correct nothing, with their sizes; in other queries they do no harm."""
    one, other = grades(2), np.minimum(grades(3), 1)
    rows = slice(0, 5) if drawn else slice(30, 40)
    one[rows] = np.nan
    other[[n for n in range(40) if n not in range(40)[rows]]] = np.nan
    withheld = found({ANNA: one, BEN: other}, grades(4)).withheld
    assert (withheld is not None) == drawn
    if withheld is not None:
        assert withheld.why == "different scales"
        assert "ben 0 to 1, anna 0 to 3" in withheld.text


def own_grades(top: float, above: int) -> Dataset:
    """Return a dataset with own judgments: so many of the largest grade, one of them of a drawn query."""
    return world({"q0": {"d0": top}, **{q: {"d0": top} for q in IDS[-above:][1:]}, "q1": {"d0": 0.0}})


@pytest.mark.parametrize(
    ("top", "above", "mixed"),
    [(1.0, 20, True), (2.0, 20, True), (1.0, 19, False), (3.0, 20, False), (4.0, 1, True)],
)
def test_many_own_grades_show_where_their_scale_ends(top: float, above: int, mixed: bool) -> None:
    """Own grades 0 to 1 and a page of 0 to 3 do not add up to one metric value; few grades show no end."""
    own = own_grades(top, above)
    withheld = found({ANNA: grades(2)}, grades(4), own).withheld
    assert (withheld is not None) == mixed
    if withheld is not None:
        assert f"the dataset's own 0 to {top:g}" in withheld.text
        assert "anna 0 to 3" in withheld.text


def without(kept: slice, values: np.ndarray) -> np.ndarray:
    """Return grades of some queries only."""
    found = np.full_like(values, np.nan)
    found[kept] = values[kept]
    return found


@pytest.mark.parametrize(
    ("one", "other", "top", "mixed"),
    [
        (None, None, 2, False),
        (None, FOUR, 2, False),
        (None, FOUR, 1, True),
        (None, None, 1, True),
        (FOUR, FOUR, 1, False),
        (TWO, FOUR, 1, True),
        (TWO, None, 1, True),
    ],
)
def test_an_unknown_scale_is_no_other_scale(
    one: str | None, other: str | None, top: int, mixed: bool
) -> None:
    """Who never gave the largest grade is on the same scale; who gave 1 at most, in many documents, is not."""
    bob, anna = Rater("human", "bob", scale=one), Rater("human", "anna", scale=other)
    low = np.minimum(without(slice(0, 15), grades(3)), top)
    high = without(slice(15, 40), grades(2))
    withheld = found({bob: low, anna: high}, grades(4)).withheld
    assert (withheld is not None) == mixed
