"""What is found in a dataset: what it is, how many, what it does to the figures, what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""From worst: a figure means nothing; a figure is moved; good to know."""

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class DataFinding:
    """One thing that is found in a dataset.

    Attributes
    ----------
    dataset
        Where.
    code
        What kind of thing, as a short stable word.
    severity
        ``error``: a figure cannot mean what it says; ``warning``: figures are moved; ``note``: good to know.
    what
        A phrase with its numbers.
    counts
        The numbers by name; None where one is not known.
    examples
        Ids of the first few.
    effect, remedy
        What it does to the figures, and what to do about it.
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
    """Return findings, the worst first, otherwise in their order."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def first(ids: Iterable[str]) -> tuple[str, ...]:
    """Return the first few ids as examples."""
    return tuple(islice(ids, EXAMPLES))


def number_of(count: int, thing: str, things: str | None = None) -> str:
    """Return a number with its noun.

    >>> number_of(1, "query", "queries"), number_of(2, "document")
    ('1 query', '2 documents')
    """
    return f"{count} {thing if count == 1 else things or thing + 's'}"
