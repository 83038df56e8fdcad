"""How the findings of ``evalkit tune`` are printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from evalkit.cli.output import echo, echo_json, echo_text

if TYPE_CHECKING:
    from evalkit.report.advice import NextStep
    from evalkit.report.table import Table

FoundT = TypeVar("FoundT")


@dataclass(frozen=True, slots=True)
class View(Generic[FoundT]):
    """How the findings of one kind of tuning are printed.

    Attributes
    ----------
    line, lines
        The decision on one reranker as a sentence or several, and that with its details.
    summary
        One table over all rerankers.
    table
        The detail table of one reranker; None without one.
    next_step
        What to do with the finding.
    """

    line: Callable[[FoundT], str | Iterable[str]]
    lines: Callable[[FoundT], Iterable[str]]
    summary: Callable[[Sequence[FoundT]], Table]
    table: Callable[[FoundT], Table | None]
    next_step: NextStep


def _sentences(view: View[FoundT], one: FoundT, *, details: bool) -> list[str]:
    shown = view.lines(one) if details else view.line(one)
    return [shown] if isinstance(shown, str) else list(shown)


def show_findings(
    found: Sequence[FoundT],
    view: View[FoundT],
    *,
    details: bool,
    as_json: bool,
    blocks: Sequence[str] = (),
) -> None:
    """Print the decision on every reranker, blocks to copy, one table, and the next step; or all as JSON."""
    from evalkit.cli.showing import show_next, text_width
    from evalkit.report.table import as_text
    from evalkit.report.terminal import paragraph_lines
    from evalkit.results.json_shapes import to_json, to_plain

    if as_json:
        echo_json(to_json([to_plain(one) for one in found]))
        return
    width = text_width()
    for one in found:
        for line in paragraph_lines(_sentences(view, one, details=details), width):
            echo(line)
    for block in blocks:
        echo()
        echo_text(block)
    summary = view.summary(found)
    if set(summary.columns) - {"dataset", "reranker"}:  # nothing was found: the sentences say why
        echo()
        echo_text(as_text(summary, width, heading=False))
    for table in filter(None, map(view.table, found)) if details else ():
        echo_text(as_text(table, width))
    show_next(view.next_step)
