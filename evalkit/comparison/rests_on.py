"""What the comparisons of a dataset rest on: whose grades, and whether people's corrected those of a judge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from evalkit.comparison.plan import JUDGE_ONLY, MIXED, SYNTHETIC, Comparison
from evalkit.records import JudgedBy

RestsOn = Literal[
    "human",
    "corrected",
    "corrected in part",
    "human sample incomplete",
    "judge incomplete",
    "mixed judgments",
    "judge only",
]
"""Only those of people and corrected ones carry a verdict; *in part*: those of some contenders are corrected."""
_INCOMPLETE: tuple[RestsOn, ...] = ("human sample incomplete", "judge incomplete")
_INDICATIONS = {JUDGE_ONLY, MIXED, SYNTHETIC, *(f"undecided: {why}" for why in _INCOMPLETE)}


def rests_on(judged_by: JudgedBy, comparisons: Iterable[Comparison]) -> RestsOn:
    """Return what the comparisons of a dataset rest on, as they were made.

    A draw for people and a judge do not suffice: a comparison may lack grades of either, and is then not corrected.

    Parameters
    ----------
    judged_by
        Whose grades count.
    comparisons
        Those of the dataset.
    """
    if judged_by in {"human", "judge only"}:
        return "human" if judged_by == "human" else "judge only"
    made = [one for one in comparisons if one.n]
    corrected = sum(one.corrected is not None for one in made)
    if corrected:
        return "corrected" if corrected == len(made) else "corrected in part"
    verdicts = {one.verdict for one in made}
    return next((why for why in _INCOMPLETE if f"undecided: {why}" in verdicts), "mixed judgments")


def is_withheld(one: Comparison) -> bool:
    """Return whether a comparison is an indication, as it rests on grades or queries of models."""
    return one.verdict in _INDICATIONS
