"""The findings of dataset checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""Worst first: metric values are meaningless; metric values are biased; information."""

EXAMPLES = 5
"""Maximum number of example ids in a finding."""


@dataclass(frozen=True, slots=True)
class DataFinding:
    """One problem or property found in a dataset.

    Attributes
    ----------
    dataset
        Name of the dataset.
    code
        Short, stable name of the kind of finding.
    severity
        ``error``: metric values are meaningless; ``warning``: they are biased; ``note``: information.
    what
        The finding in words, with its numbers.
    counts
        Name -> number; None if unknown.
    examples
        Ids of the first few cases.
    effect, remedy
        The effect on metric values, and what to do about it.
    """

    dataset: str
    code: str
    severity: Severity
    what: str
    counts: Mapping[str, int | float | None]
    examples: tuple[str, ...]
    effect: str
    remedy: str


def by_severity(findings: Iterable[DataFinding]) -> list[DataFinding]:
    """Return findings, worst first; findings of equal severity keep their order."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def first(ids: Iterable[str]) -> tuple[str, ...]:
    """Return the first few ids as examples."""
    return tuple(islice(ids, EXAMPLES))
