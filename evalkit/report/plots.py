"""The pictures of a report, as SVG and PNG, with their data as CSV. The same data gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalkit.experiment import ResultFolder
from evalkit.report.deriving import BEST_ORDER
from evalkit.report.drawing import (
    FIRST_STAGE_COLOUR,
    Plot,
    colours,
    drawing,
    label_ends,
    new_axes,
    save_plot,
    scale_to,
)
from evalkit.report.latency import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = Mapping[str, Any]


def draw_depth_means(folder: ResultFolder, summary: Row) -> list[Plot]:
    """Draw quality at every depth that was asked for, for each dataset, into the result folder."""
    colour = colours(summary)
    with drawing():
        return [
            _quality_by_depth(folder, summary, entry["name"], colour)
            for entry in summary["datasets"]
            if summary["quality"]
        ]


def draw_tradeoffs(folder: ResultFolder, summary: Row) -> list[Plot]:
    """Draw quality against latency, for each dataset that has both, into the result folder."""
    colour = colours(summary)
    with drawing():
        return [
            _quality_against_latency(folder, summary, entry["name"], points, colour)
            for entry in summary["datasets"]
            if (points := quality_latency_points(summary, entry["name"]))
        ]


def _quality_by_depth(
    folder: ResultFolder, summary: Mapping[str, Any], dataset: str, colour: Mapping[str, str]
) -> Plot:
    metric = summary["primary_metric"]
    rows = [r for r in summary["quality"] if r["dataset"] == dataset and r["metric"] == metric]
    ceilings = [c for c in summary["ceilings"] if c["dataset"] == dataset]
    axes = new_axes(f"{dataset}: {metric} by depth", "depth (candidates per query)", metric)
    depths = [c["depth"] for c in ceilings]
    ends = []
    for style, name, means in (
        (":", "recall of the candidates", [c["recall"]["mean"] for c in ceilings]),
        ("--", BEST_ORDER, [c["best_order"][metric] for c in ceilings]),
    ):
        axes.plot(depths, means, style, color="black", lw=1.3)
        if means[-1] is not None:
            ends.append((depths[-1], means[-1], name, "black"))
    for place, (tag, part) in enumerate(_by_reranker(rows)):
        # Points of several rerankers at one depth stand a little apart, or their bars would hide each other.
        shift = 1 + 0.03 * (place - 1)
        held = [r for r in part if r["mean"] is not None]
        _line(axes, [r["depth"] * shift for r in held], held, colour[tag])
        if held:
            ends.append((held[-1]["depth"] * shift, held[-1]["mean"], tag, colour[tag]))
    scale_to(axes, depths)
    axes.set_ylim(0, 1.02)
    label_ends(axes, ends)
    data = [
        {"series": r["reranker"], **{k: r[k] for k in ("depth", "mean", "lower", "upper", "n")}} for r in rows
    ]
    data += [{"series": "recall of the candidates", "depth": c["depth"], **c["recall"]} for c in ceilings]
    data += [
        {"series": BEST_ORDER, "depth": c["depth"], "mean": c["best_order"][metric], "n": c["recall"]["n"]}
        for c in ceilings
    ]
    caption = (
        f"Mean {metric} when each reranker gets the first d candidates; bars are 95 % t intervals over queries."
        f" The dashed line is the {BEST_ORDER} of the same candidates: no reranker can be above it."
        " The dotted line is the share of all relevant documents that are among them."
    )
    return save_plot(
        folder.plots_folder,
        axes,
        f"{dataset}.quality-by-depth",
        f"{dataset}: {metric} by depth",
        caption,
        data,
    )


def _quality_against_latency(
    folder: ResultFolder,
    summary: Mapping[str, Any],
    dataset: str,
    points: Sequence[Row],
    colour: Mapping[str, str],
) -> Plot:
    metric = summary["primary_metric"]
    axes = new_axes(
        f"{dataset}: {metric} against latency", "median latency of one call with d documents (ms)", metric
    )
    ends = []
    for tag, part in _by_reranker(points):
        x = [p["p50_s"] * 1000 for p in part]
        y = [p["mean"] for p in part]
        x_bars = [[p["p50_s"] * 1000 - p["p50_lower_s"] * 1000 for p in part]]
        x_bars.append([p["p50_upper_s"] * 1000 - p["p50_s"] * 1000 for p in part])
        y_bars = [[p["mean"] - p["lower"] for p in part], [p["upper"] - p["mean"] for p in part]]
        axes.errorbar(x, y, xerr=x_bars, yerr=y_bars, fmt="-o", ms=4, lw=1.2, capsize=2, color=colour[tag])
        ends.append((x[-1], y[-1], tag, colour[tag]))
        for point, at_x, at_y in zip(part, x, y, strict=True):
            axes.annotate(
                f"d={point['depth']}", (at_x, at_y), xytext=(4, 5), textcoords="offset points", fontsize=8
            )
    base = [
        r
        for r in summary["quality"]
        if r["dataset"] == dataset and r["metric"] == metric and r["reranker"] == summary["first_stage"]
    ]
    if base and base[-1]["mean"] is not None:
        axes.axhline(base[-1]["mean"], color=FIRST_STAGE_COLOUR, lw=1.2, ls="--")
        ends.append(
            (axes.get_xlim()[1], base[-1]["mean"], f"{summary['first_stage']} alone", FIRST_STAGE_COLOUR)
        )
    axes.set_xlim(0, axes.get_xlim()[1])
    front = sorted((point for point in points if point["on_front"]), key=lambda point: point["p50_s"])
    at = ([point["p50_s"] * 1000 for point in front], [point["mean"] for point in front])
    axes.plot(*at, drawstyle="steps-post", color="#000000", alpha=0.12, lw=7, zorder=0)
    label_ends(axes, ends)
    caption = (
        "Each point reranks d candidates in one call. Up is better, left is faster; bars are 95 % intervals."
        " On the grey band are those that no other beats in both; within their intervals that may be chance."
        " The dashed line is the first stage alone. Only depths that were also timed as a batch size appear."
    )
    title = f"{dataset}: {metric} against latency"
    return save_plot(folder.plots_folder, axes, f"{dataset}.quality-against-latency", title, caption, points)


def quality_latency_points(summary: Mapping[str, Any], dataset: str) -> list[dict[str, Any]]:
    """Join quality at depth d with the latency of a call with d documents, at concurrency 1."""
    latency = {
        (r["reranker"], r["batch_size"]): r["p50_s"]
        for r in plain(summary["latency"], dataset)
        if r["concurrency"] == 1 and r["p50_s"]["estimate"] is not None
    }
    points = [
        {
            "reranker": r["reranker"],
            "depth": r["depth"],
            **{k: r[k] for k in ("mean", "lower", "upper", "n")},
            "p50_s": found["estimate"],
            "p50_lower_s": found["lower"],
            "p50_upper_s": found["upper"],
            "calls": found["n"],
        }
        for r in summary["quality"]
        if r["dataset"] == dataset and r["metric"] == summary["primary_metric"] and r["lower"] is not None
        for found in [latency.get((r["reranker"], r["depth"]))]
        if found is not None
    ]
    return mark_front(points)


def mark_front(points: Sequence[Row]) -> list[dict[str, Any]]:
    """Return points in their order, each with whether none is as fast and better, or faster and as good (Pareto)."""
    on_front, best = set(), float("-inf")
    for place in sorted(
        range(len(points)), key=lambda place: (points[place]["p50_s"], -points[place]["mean"])
    ):
        if points[place]["mean"] > best:
            best = points[place]["mean"]
            on_front.add(place)
    return [{**point, "on_front": place in on_front} for place, point in enumerate(points)]


def _line(axes: Axes, x: Sequence[float], rows: Sequence[Row], colour: str) -> None:
    """Draw means with their intervals, where they have one."""
    y = [row["mean"] for row in rows]
    below = [0.0 if row["lower"] is None else row["mean"] - row["lower"] for row in rows]
    above = [0.0 if row["upper"] is None else row["upper"] - row["mean"] for row in rows]
    axes.errorbar(x, y, yerr=[below, above], fmt="-o", ms=4, lw=1.4, capsize=2, color=colour)


def _by_reranker(rows: Iterable[Any]) -> list[tuple[str, list[Any]]]:
    parts: dict[str, list[Any]] = {}
    for row in rows:
        parts.setdefault(row["reranker"], []).append(row)
    return list(parts.items())
