"""The first screen and the warnings as lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from evalkit.report.cautions import Caution, grouped
from evalkit.report.table import WIDTH, as_text

if TYPE_CHECKING:
    from evalkit.report.advice import NextStep
    from evalkit.report.first_screen import FirstScreen

MOST_WARNINGS = 5
"""Warnings that are printed without details."""


def screen_lines(screen: FirstScreen, width: int = WIDTH) -> list[str]:
    """Return the lines below the decision: its figures, and a table for each dataset."""
    lines = [*wrapped(screen.decision.detail, width), *wrapped(screen.context, width), ""]
    several = bool(screen.others)
    for panel in (*([screen.lead] if screen.lead else []), *screen.others):
        if several:
            lines += wrapped(": ".join(filter(None, (panel.title, panel.headline))), width)
        lines.append(as_text(replace(panel.table, note=""), width, heading=False))
    return lines + paragraph_lines(screen.coverage, width)


def warning_lines(cautions: Iterable[Caution], *, details: bool, width: int = WIDTH) -> list[str]:
    """Return warnings, the worst first, each with its remedy; a remedy that follows itself is given once.

    Without details only the first ones, and the number of the others.
    """
    every = [one for group in grouped(cautions) for one in group.cautions]
    shown = every if details else every[:MOST_WARNINGS]
    lines: list[str] = []
    for one, after in zip(shown, (*shown[1:], None), strict=False):
        lines += wrapped(f"warning: {one.text}", width, "  ")
        if after is None or after.remedy != one.remedy:
            lines += wrapped(f"  hint: {one.remedy}", width, "  ")
    if len(every) > len(shown):
        more = len(every) - len(shown)
        lines.append(f"{more} more warning{'s' * (more > 1)}: see the report, or add --details")
    return lines


def next_lines(step: NextStep, width: int = WIDTH) -> list[str]:
    """Return the next step, with its command on a line of its own."""
    lines = wrapped(f"next: {step.text}", width, "  ")
    return [*lines, f"  {step.command}"] if step.command else lines


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return text as lines; a long word, such as a path, stays whole."""
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def paragraph_lines(sentences: Sequence[str], width: int = WIDTH) -> list[str]:
    """Return each sentence wrapped, with its following lines indented."""
    return [line for one in sentences for line in wrapped(one, width, "  ")]
