"""A forest plot whose rows are table rows: positions in percent of the width, so that it fits any screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalkit.charts.chart import Axis
from evalkit.charts.scales import Span, ticks_of
from evalkit.report.numbers import difference_text
from evalkit.report.systems import SystemRow

PADDING = 0.06
"""Empty share of the width at both ends."""
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One row: positions in percent; None without a difference."""

    at: float | None
    lower: float | None = None
    upper: float | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Forest:
    """All rows over one axis, in percent of the width.

    Attributes
    ----------
    zero
        Position of no difference.
    margin
        Positions of the two ends of the margin.
    ticks
        Position and text of each tick.
    rows
        One for each system, in the order of the table.
    """

    zero: float
    margin: tuple[float, float]
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[ForestRow, ...]


def span_of_differences(rows: Sequence[SystemRow], margin: float) -> Span:
    """Return the range of an axis that shows all differences with their intervals, zero and the margin."""
    known = [
        value
        for row in rows
        if row.difference is not None
        for value in (row.difference.estimate, row.difference.lower, row.difference.upper)
        if value is not None
    ]
    low, high = min([-2 * margin, *known]), max([2 * margin, *known])
    pad = PADDING * (high - low)
    return Span("linear", low - pad, high + pad)


def forest(rows: Sequence[SystemRow], margin: float, span: Span) -> Forest:
    """Return the geometry of a forest plot of all differences, with a zero line and the margin around it."""

    def percent(value: float) -> float:
        return round(100 * span.share(value), 2)

    axis = Axis("", form="signed")
    ticks = tuple((percent(tick.at), tick.text) for tick in ticks_of(axis, span, _MOST_TICKS))
    return Forest(
        percent(0.0),
        (percent(-margin), percent(margin)),
        ticks,
        tuple(_row(row, percent) for row in rows),
    )


def _row(row: SystemRow, percent: Callable[[float], float]) -> ForestRow:
    if row.is_baseline:
        return ForestRow(percent(0.0), label="baseline")
    found = row.difference
    if found is None or found.estimate is None:
        return ForestRow(None, label="no difference known")
    lower, upper = (None if bound is None else percent(bound) for bound in (found.lower, found.upper))
    return ForestRow(percent(found.estimate), lower, upper, difference_text(found))
