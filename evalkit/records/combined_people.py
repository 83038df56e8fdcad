"""People who judged the same pair in one file: their grades as one grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from evalkit.records.judgments import Rater

Lines = Mapping[Rater, tuple[int, float | None]]
"""Rater -> number of the last line of a pair, and its grade; None for a failure."""
_PEOPLE = "people"


def people_of(rater: Rater) -> tuple[str, ...]:
    """Return the names of the people whose grades a rater combines; empty for a single rater."""
    return tuple(rater.settings.get(_PEOPLE, ()))


def last_of_each(lines: Lines) -> dict[Rater, float | None]:
    """Return the grade of each person's last line of a pair, in the order of the names: a person is known by name."""
    last: dict[str, tuple[int, Rater]] = {}
    for rater, (line, _) in lines.items():
        last[rater.name] = max(last.get(rater.name, (0, rater)), (line, rater), key=lambda one: one[0])
    return {rater: lines[rater][1] for _, (_, rater) in sorted(last.items())}


def combined(grades: Mapping[Rater, float]) -> tuple[Rater, float]:
    """Return several people as one rater, who is named after them, and the mean of their grades."""
    names = tuple(rater.name for rater in grades)
    scales = {rater.scale for rater in grades}
    scale = scales.pop() if len(scales) == 1 else None
    return Rater("human", ", ".join(names), scale=scale, settings={_PEOPLE: names}), fmean(grades.values())


def different_scales(raters: Sequence[Rater]) -> tuple[Rater, Rater] | None:
    """Return two raters whose scales have different numbers of grades, which have no mean; None if there are none."""
    known = [rater for rater in raters if rater.scale is not None]
    found = (one for one in known[1:] if highest_grade(one) != highest_grade(known[0]))
    other = next(found, None)
    return None if other is None else (known[0], other)


def highest_grade(rater: Rater) -> int | None:
    """Return the highest grade of a rater's scale, which has one line a grade; None if the scale is unknown."""
    return None if rater.scale is None else rater.scale.count("\n")
