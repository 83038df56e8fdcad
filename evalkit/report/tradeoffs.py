"""Plots of quality against latency, and of quality against cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evalkit.report.drawing import (
    FIRST_STAGE_COLOUR,
    WIDE,
    Plot,
    by_reranker,
    colours,
    drawing,
    label_ends,
    new_axes,
    plain_ticks,
    save_plot,
)
from evalkit.results.summary_document import QualityRow, Summary
from evalkit.results.tuning_document import Tuning
from evalkit.stats import Interval

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Expense:
    """The x axis of a plot: latency or cost.

    Attributes
    ----------
    columns
        Columns of value, lower and upper bound and n in the plot's data; the value alone without bounds.
    name
        Name in titles and file names.
    label
        Label of the axis.
    scale
        Factor from a point's unit to the unit of the axis.
    better
        Word for a smaller value.
    caption
        How the points are measured.
    """

    columns: tuple[str, ...]
    name: str
    label: str
    scale: float
    better: str
    caption: str


LATENCY = Expense(
    ("p50_s", "p50_lower_s", "p50_upper_s", "calls"), "latency",
    "median latency of one call with d documents (ms)", 1000.0, "faster",
    "Each point reranks d candidates in one call. Only depths that were also timed as a batch size appear.",
)  # fmt: skip
COST = Expense(
    ("usd_per_thousand_queries",), "cost", "cost of a thousand queries with d candidates ($)", 1.0, "cheaper",
    "Each point reranks d candidates. The cost is that of the calls made for scores; at smaller depths it is in"
    " proportion to the pairs, or to the requests where those are billed.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """A reranker at one depth.

    Attributes
    ----------
    quality
        Mean of the primary metric, with bounds.
    expense
        Latency or cost; bounds only where there are any.
    on_front
        Whether the point is on the Pareto front: no point is better and at most as expensive, or as good and cheaper.
    """

    reranker: str
    depth: int
    quality: Interval
    expense: Interval
    on_front: bool = False

    @property
    def mean(self) -> float:
        """The mean of the quality."""
        return self.quality.estimate or 0.0

    @property
    def value(self) -> float:
        """The estimate of the expense."""
        return self.expense.estimate or 0.0


_READING = (
    " Up is better, left is {better}; bars are 95 % intervals. On the grey band are those that no other beats in both;"
    " within their intervals that may be chance. The dashed line is the first stage alone."
)


def draw_tradeoffs(into: Path, summary: Summary, tuned: Tuning) -> list[Plot]:
    """Draw quality against latency and against cost, for each dataset that has them, into a folder."""
    colour = colours(summary)
    plots = []
    with drawing():
        for facts in summary.datasets:
            dataset = facts.name
            for expense, points in (
                (LATENCY, latency_points(summary, dataset)),
                (COST, cost_points(summary, tuned, dataset)),
            ):
                if points:
                    plots.append(_against(into, summary, dataset, expense, mark_front(points), colour))
    return plots


def latency_points(summary: Summary, dataset: str) -> list[Point]:
    """Return quality at depth d with the latency of a call with d documents and one call in flight."""
    points = []
    for row in _qualities(summary, dataset):
        timed = summary.alone(dataset, row.reranker).get(row.depth)
        if timed is not None and timed.p50_s.estimate is not None:
            points.append(Point(row.reranker, row.depth, row.mean, timed.p50_s.interval))
    return points


def cost_points(summary: Summary, tuned: Tuning, dataset: str) -> list[Point]:
    """Return quality at depth d with the cost of a thousand queries at that depth; the deepest was billed."""
    swept = {
        (one.reranker, row.depth): row.usd_per_thousand_queries
        for one in tuned.depth
        if one.dataset == dataset
        for row in one.rows
    }
    points = []
    for row in _qualities(summary, dataset):
        tag, depth = row.reranker, row.depth
        cost = swept.get((tag, depth), summary.cost_at(dataset, tag, depth))
        if cost is not None:
            points.append(Point(tag, depth, row.mean, Interval(cost, None, None, row.mean.n)))
    return points


def _qualities(summary: Summary, dataset: str) -> list[QualityRow]:
    """Return the rows of the primary metric that have an interval."""
    return [
        row
        for row in summary.quality
        if (row.dataset, row.metric) == (dataset, summary.primary_metric) and row.mean.lower is not None
    ]


def mark_front(points: Sequence[Point]) -> list[Point]:
    """Return the points in their order, those on the Pareto front marked."""
    on_front, best = set(), float("-inf")
    for place in sorted(range(len(points)), key=lambda place: (points[place].value, -points[place].mean)):
        if points[place].mean > best:
            best = points[place].mean
            on_front.add(place)
    return [replace(point, on_front=place in on_front) for place, point in enumerate(points)]


def _against(
    into: Path,
    summary: Summary,
    dataset: str,
    expense: Expense,
    points: Sequence[Point],
    colour: Mapping[str, str],
) -> Plot:
    metric, first = summary.primary_metric, summary.first_stage
    title = f"{dataset}: {metric} against {expense.name}"
    axes = new_axes(title, expense.label, metric)
    ends = [_line(axes, expense, tag, part, colour[tag]) for tag, part in by_reranker(points)]
    base = [row.mean.estimate or 0.0 for row in _qualities(summary, dataset) if row.reranker == first]
    if base:
        axes.axhline(base[-1], color=FIRST_STAGE_COLOUR, lw=1.2, ls="--")
    values = [point.value for point in points]
    if min(values) > 0 and max(values) > WIDE * min(values):
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
    else:
        axes.set_xlim(0, axes.get_xlim()[1])
    front = sorted((point for point in points if point.on_front), key=lambda point: point.value)
    at = ([point.value * expense.scale for point in front], [point.mean for point in front])
    axes.plot(*at, drawstyle="steps-post", color="#000000", alpha=0.12, lw=7, zorder=0)
    if base:
        ends.append((axes.get_xlim()[1], base[-1], f"{first} alone", FIRST_STAGE_COLOUR))
    label_ends(axes, ends)
    caption = expense.caption + _READING.format(better=expense.better)
    data = [_columns(point, expense) for point in points]
    return save_plot(into, axes, f"{dataset}.quality-against-{expense.name}", title, caption, data)


def _columns(point: Point, expense: Expense) -> dict[str, Any]:
    """Return a point as a row of the plot's CSV."""
    quality, cost = point.quality, point.expense
    amounts = (cost.estimate, cost.lower, cost.upper, cost.n)
    return {
        "reranker": point.reranker,
        "depth": point.depth,
        "mean": quality.estimate,
        "lower": quality.lower,
        "upper": quality.upper,
        "n": quality.n,
        **dict(zip(expense.columns, amounts, strict=False)),
        "on_front": point.on_front,
    }


def _line(
    axes: Axes, expense: Expense, tag: str, points: Sequence[Point], colour: str
) -> tuple[float, float, str, str]:
    """Draw one reranker's points with their depths; return x and y of the last one, name and colour."""
    x = [point.value * expense.scale for point in points]
    y = [point.mean for point in points]
    y_bars = [
        [point.mean - (point.quality.lower or 0.0) for point in points],
        [(point.quality.upper or 0.0) - point.mean for point in points],
    ]
    axes.errorbar(x, y, xerr=_expense_bars(points, expense.scale), yerr=y_bars, fmt="-o", ms=4, lw=1.2, capsize=2,
                  color=colour)  # fmt: skip
    for place in dict.fromkeys((0, len(points) - 1)):  # names of points between them would overlap
        name = f"d={points[place].depth}"
        axes.annotate(name, (x[place], y[place]), xytext=(4, 5), textcoords="offset points", fontsize=8)
    return x[-1], y[-1], tag, colour


def _expense_bars(points: Sequence[Point], scale: float) -> list[list[float]] | None:
    """Return the lengths of the bars below and above each point; None where a point has no bounds."""
    below = [point.value - point.expense.lower for point in points if point.expense.lower is not None]
    above = [point.expense.upper - point.value for point in points if point.expense.upper is not None]
    if len(below) < len(points) or len(above) < len(points):
        return None
    return [[abs(length) * scale for length in below], [abs(length) * scale for length in above]]
