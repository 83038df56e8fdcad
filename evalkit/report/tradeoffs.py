"""Charts of quality against latency, and of quality against cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from evalkit.charts.chart import Axis, Chart, Line, Panel, Rule, Spot, known
from evalkit.charts.stops import full_number
from evalkit.file_names import file_part
from evalkit.report.chart_parts import at_reached_depths, by_reranker, limit_rules, roles_of, spread_scale
from evalkit.report.numbers import level_text
from evalkit.results.latency_document import LatencyAnswers
from evalkit.results.summary_document import QualityRow, Summary
from evalkit.results.tuning_document import Tuning
from evalkit.stats import Interval


@dataclass(frozen=True, slots=True)
class Expense:
    """The x axis of a chart: latency or cost.

    Attributes
    ----------
    columns
        Columns of value, lower and upper bound and n in the chart's data; the value alone without bounds.
    name
        Name in titles and file names.
    label
        Label of the axis.
    scale
        Factor from a point's unit to the unit of the axis.
    unit
        Unit of the axis, after a space.
    better
        Word for a smaller or an equal value.
    caption
        What is drawn.
    """

    columns: tuple[str, ...]
    name: str
    label: str
    scale: float
    unit: str
    better: str
    caption: str


LATENCY = Expense(
    ("p50_s", "p50_lower_s", "p50_upper_s", "calls"), "latency",
    "median latency of one call (ms)", 1000.0, " ms", "at most as slow",
    "Difference to the first stage when d candidates are reranked, and the latency of a call with d documents.",
)  # fmt: skip
COST = Expense(
    ("usd_per_thousand_queries",), "cost", "cost of 1,000 queries ($)", 1.0, " $", "at most as expensive",
    "Difference to the first stage when d candidates are reranked, and the cost of the calls for them.",
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
    difference
        Mean paired difference to the first stage; None where it is not known.
    """

    reranker: str
    depth: int
    quality: Interval
    expense: Interval
    on_front: bool = False
    difference: Interval | None = None

    @property
    def mean(self) -> float:
        """The mean of the quality."""
        return self.quality.estimate or 0.0

    @property
    def value(self) -> float:
        """The estimate of the expense."""
        return self.expense.estimate or 0.0


_READING = (
    " Solid points are on the Pareto front: no other point is better and {better}; numbers are depths, bars are"
    " {confidence} intervals."
)


def tradeoff_charts(summary: Summary, tuned: Tuning, answers: LatencyAnswers) -> list[Chart]:
    """Return quality against latency and against cost, for each dataset that has them."""
    charts = []
    for facts in summary.datasets:
        dataset = facts.name
        limits = limit_rules(answers, dataset, "x")
        for expense, points, rules in (
            (LATENCY, latency_points(summary, dataset), limits),
            (COST, cost_points(summary, tuned, dataset), ()),
        ):
            marked = mark_front([point for point in points if point.difference is not None])
            if marked:
                charts.append(_against(summary, dataset, expense, marked, rules))
    return charts


def latency_points(summary: Summary, dataset: str) -> list[Point]:
    """Return quality at depth d with the latency of a call with d documents and one call in flight."""
    points = []
    for row in _qualities(summary, dataset):
        if row.depth is None:  # a run was not timed here
            continue
        timed = summary.alone(dataset, row.reranker).get(summary.sent_at(dataset, row.depth))
        if timed is not None and timed.p50_s.estimate is not None:
            expense = timed.p50_s.interval
            points.append(Point(row.reranker, row.depth, row.mean, expense, difference=row.difference))
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
        if depth is None:
            continue
        cost = swept.get((tag, depth), summary.cost_at(dataset, tag, depth))
        if cost is not None:
            expense = Interval(cost, None, None, row.mean.n)
            points.append(Point(tag, depth, row.mean, expense, difference=row.difference))
    return points


def _qualities(summary: Summary, dataset: str) -> list[QualityRow]:
    """Return the rows of the primary metric that have an interval, each at the most candidates that a list has."""
    rows = [
        row
        for row in summary.quality
        if (row.dataset, row.metric) == (dataset, summary.primary_metric) and row.mean.lower is not None
    ]
    return at_reached_depths(summary, rows)


def mark_front(points: Sequence[Point]) -> list[Point]:
    """Return the points in their order, those on the Pareto front marked."""
    on_front, best = set(), float("-inf")
    for place in sorted(range(len(points)), key=lambda place: (points[place].value, -points[place].mean)):
        if points[place].mean > best:
            best = points[place].mean
            on_front.add(place)
    return [replace(point, on_front=place in on_front) for place, point in enumerate(points)]


def _against(
    summary: Summary, dataset: str, expense: Expense, points: Sequence[Point], limits: Sequence[Rule]
) -> Chart:
    metric, first, roles = summary.primary_metric, summary.first_stage, roles_of(summary)
    amounts = [*(point.value * expense.scale for point in points), *(rule.at for rule in limits)]
    lines = [
        Line(tag, roles[tag], tuple(_spot(point, expense, summary) for point in part), bounds="bars")
        for tag, part in by_reranker(points)
    ]
    scale = spread_scale(amounts)
    return Chart(
        name=f"{file_part(dataset)}.quality-against-{expense.name}",
        title=f"{dataset}: {metric} against {expense.name}",
        caption=expense.caption
        + _READING.format(better=expense.better, confidence=level_text(summary.confidence)),
        x=Axis(expense.label, scale, zero=scale == "linear", unit=expense.unit),
        panels=(
            Panel(
                Axis(f"difference in {metric} to {first}", form="signed", zero=True),
                (Rule(0.0, "y", f"{first} alone", "baseline"), *limits, *lines),
            ),
        ),
        rows=tuple(_columns(point, expense) for point in points),
        stops_by="spot",
    )


def _spot(point: Point, expense: Expense, summary: Summary) -> Spot:
    """Return a point with its depth as label and all its values as text."""
    change, amount = point.difference or Interval(None, None, None, 0), point.expense
    bounds = (
        f" [{full_number(change.lower)}, {full_number(change.upper)}]"
        if known(change.lower) and known(change.upper)
        else ""
    )
    left, right = (None if x is None else x * expense.scale for x in (amount.lower, amount.upper))
    return Spot(
        point.value * expense.scale, change.estimate, change.lower, change.upper, left, right,
        filled=point.on_front,
        label=str(point.depth),
        text=(
            f"{point.reranker}, depth {point.depth}",
            f"difference: {full_number(change.estimate)}{bounds}",
            f"{summary.primary_metric}: {full_number(point.mean)}",
            f"{expense.name}: {full_number(point.value * expense.scale, expense.unit)}",
        ),
    )  # fmt: skip


def _columns(point: Point, expense: Expense) -> dict[str, Any]:
    """Return a point as a row of the chart's CSV."""
    quality, cost, change = point.quality, point.expense, point.difference
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
        "difference": change and change.estimate,
        "difference_lower": change and change.lower,
        "difference_upper": change and change.upper,
    }
