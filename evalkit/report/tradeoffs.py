"""Quality against what it takes, as pictures: the latency of a call, and the cost of a thousand queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from evalkit.report.verdict import price_of
from evalkit.summaries.latency_cells import plain

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expense:
    """What quality is set against.

    Attributes
    ----------
    key, lower, upper
        Of a point: its value and what bounds it; None where nothing does.
    name
        In titles and file names.
    label
        Of the axis.
    scale
        From a point's unit to that of the axis.
    caption
        How the points came about.
    """

    key: str
    lower: str | None
    upper: str | None
    name: str
    label: str
    scale: float
    caption: str


LATENCY = Expense(
    "p50_s", "p50_lower_s", "p50_upper_s", "latency", "median latency of one call with d documents (ms)", 1000.0,
    "Each point reranks d candidates in one call. Only depths that were also timed as a batch size appear.",
)  # fmt: skip
COST = Expense(
    "usd_per_thousand_queries", None, None, "cost", "cost of a thousand queries with d candidates ($)", 1.0,
    "Each point reranks d candidates. The cost is that of the calls made for scores; at smaller depths it is in"
    " proportion to the pairs, or to the requests where those are billed.",
)  # fmt: skip
_READING = (
    " Up is better, left is {better}; bars are 95 % intervals. On the grey band are those that no other beats in both;"
    " within their intervals that may be chance. The dashed line is the first stage alone."
)


def draw_tradeoffs(into: Path, summary: Row, tuned: Row) -> list[Plot]:
    """Draw quality against latency and against cost, for each dataset that has them, into a folder."""
    colour = colours(summary)
    plots = []
    with drawing():
        for entry in summary["datasets"]:
            dataset = entry["name"]
            for expense, points in (
                (LATENCY, latency_points(summary, dataset)),
                (COST, cost_points(summary, tuned, dataset)),
            ):
                if points:
                    plots.append(
                        _against(into, summary, dataset, expense, mark_front(points, expense.key), colour)
                    )
    return plots


def latency_points(summary: Row, dataset: str) -> list[dict[str, Any]]:
    """Join quality at depth d with the latency of a call with d documents, one in flight."""
    latency = {
        (r["reranker"], r["batch_size"]): r["p50_s"]
        for r in plain(summary["latency"], dataset)
        if r["concurrency"] == 1 and r["p50_s"]["estimate"] is not None
    }
    return [
        {
            **row,
            "p50_s": found["estimate"],
            "p50_lower_s": found["lower"],
            "p50_upper_s": found["upper"],
            "calls": found["n"],
        }
        for row in _qualities(summary, dataset)
        if (found := latency.get((row["reranker"], row["depth"])))
    ]


def cost_points(summary: Row, tuned: Row, dataset: str) -> list[dict[str, Any]]:
    """Join quality at depth d with what a thousand queries cost there; the deepest is what was billed."""
    swept = {
        (one["reranker"], row["depth"]): row[COST.key]
        for one in tuned["depth"]
        if one["dataset"] == dataset
        for row in one["rows"]
    }
    points = []
    for row in _qualities(summary, dataset):
        tag, depth = row["reranker"], row["depth"]
        cost = swept.get((tag, depth), price_of(summary, dataset, tag, depth).usd_per_thousand_queries)
        if cost is not None:
            points.append({**row, COST.key: cost})
    return points


def _qualities(summary: Row, dataset: str) -> list[dict[str, Any]]:
    """Return the primary metric at every depth, where it has an interval."""
    return [
        {key: row[key] for key in ("reranker", "depth", "mean", "lower", "upper", "n")}
        for row in summary["quality"]
        if row["dataset"] == dataset
        and row["metric"] == summary["primary_metric"]
        and row["lower"] is not None
    ]


def mark_front(points: Sequence[Row], key: str) -> list[dict[str, Any]]:
    """Return points in their order, each with whether none is as cheap and better, or cheaper and as good (Pareto)."""
    on_front, best = set(), float("-inf")
    for place in sorted(range(len(points)), key=lambda place: (points[place][key], -points[place]["mean"])):
        if points[place]["mean"] > best:
            best = points[place]["mean"]
            on_front.add(place)
    return [{**point, "on_front": place in on_front} for place, point in enumerate(points)]


def _against(
    into: Path, summary: Row, dataset: str, expense: Expense, points: Sequence[Row], colour: Mapping[str, str]
) -> Plot:
    metric = summary["primary_metric"]
    title = f"{dataset}: {metric} against {expense.name}"
    axes = new_axes(title, expense.label, metric)
    ends = [_line(axes, expense, tag, part, colour[tag]) for tag, part in by_reranker(points)]
    base = [row for row in _qualities(summary, dataset) if row["reranker"] == summary["first_stage"]]
    if base:
        axes.axhline(base[-1]["mean"], color=FIRST_STAGE_COLOUR, lw=1.2, ls="--")
    held = [point[expense.key] for point in points]
    if min(held) > 0 and max(held) > WIDE * min(held):
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
    else:
        axes.set_xlim(0, axes.get_xlim()[1])
    front = sorted((point for point in points if point["on_front"]), key=lambda point: point[expense.key])
    at = ([point[expense.key] * expense.scale for point in front], [point["mean"] for point in front])
    axes.plot(*at, drawstyle="steps-post", color="#000000", alpha=0.12, lw=7, zorder=0)
    if base:
        name = f"{summary['first_stage']} alone"
        ends.append((axes.get_xlim()[1], base[-1]["mean"], name, FIRST_STAGE_COLOUR))
    label_ends(axes, ends)
    caption = expense.caption + _READING.format(better="faster" if expense is LATENCY else "cheaper")
    return save_plot(into, axes, f"{dataset}.quality-against-{expense.name}", title, caption, points)


def _line(
    axes: Axes, expense: Expense, tag: str, points: Sequence[Row], colour: str
) -> tuple[float, float, str, str]:
    """Draw one reranker's points with their depths, and return where its line ends, and its name."""
    x = [point[expense.key] * expense.scale for point in points]
    y = [point["mean"] for point in points]
    x_bars = [
        [abs(point[bound] - point[expense.key]) * expense.scale for point in points]
        for bound in (expense.lower, expense.upper)
        if bound
    ]
    y_bars = [[p["mean"] - p["lower"] for p in points], [p["upper"] - p["mean"] for p in points]]
    axes.errorbar(x, y, xerr=x_bars or None, yerr=y_bars, fmt="-o", ms=4, lw=1.2, capsize=2,
                  color=colour)  # fmt: skip
    for place in dict.fromkeys((0, len(points) - 1)):  # between them more names would hide each other
        name = f"d={points[place]['depth']}"
        axes.annotate(name, (x[place], y[place]), xytext=(4, 5), textcoords="offset points", fontsize=8)
    return x[-1], y[-1], tag, colour
