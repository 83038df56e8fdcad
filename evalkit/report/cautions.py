"""A warning with its remedy, and the order and grouping in which people read warnings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["invalid", "verdict", "figures"]
"""What a warning affects, worst first: whether the result counts at all, its verdict, or single figures."""
GROUPS: dict[Severity, str] = {
    "invalid": "The result is not complete",
    "verdict": "Could change the verdict",
    "figures": "Affects single figures",
}
"""Severity -> heading of its group, worst first."""


@dataclass(frozen=True, slots=True)
class Caution:
    """A warning on a result.

    Attributes
    ----------
    severity
        What it affects.
    text
        What was found, in one or two sentences.
    remedy
        What to do about it, in one imperative sentence.
    """

    severity: Severity
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class CautionGroup:
    """Warnings of one severity; those with the same remedy follow each other."""

    heading: str
    cautions: tuple[Caution, ...]


def grouped(cautions: Iterable[Caution]) -> list[CautionGroup]:
    """Return the warnings by severity, the worst first, each text once."""
    once = list(dict.fromkeys(cautions))
    remedies = list(dict.fromkeys(one.remedy for one in once))
    once.sort(key=lambda one: remedies.index(one.remedy))
    groups = [
        CautionGroup(heading, tuple(one for one in once if one.severity == severity))
        for severity, heading in GROUPS.items()
    ]
    return [group for group in groups if group.cautions]
