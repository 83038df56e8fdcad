"""The pictures of a report, as SVG and PNG, with their data as CSV. The same data gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalkit.experiment import ResultFolder
from evalkit.report.deriving import BEST_ORDER
from evalkit.report.drawing import (
    COLOURS,
    FIRST_STAGE_COLOUR,
    STYLE,
    Plot,
    legend_beside,
    new_axes,
    save_plot,
    scale_to,
)
from evalkit.report.latency import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = Mapping[str, Any]


def draw_plots(folder: ResultFolder, summary: Mapping[str, Any]) -> list[Plot]:
    """Draw every plot that the summary has data for, into the result folder."""
    import matplotlib as mpl

    drawn: list[Plot] = []
    tags = list(dict.fromkeys(row["reranker"] for row in summary["quality"]))
    others = [tag for tag in tags if tag != summary["first_stage"]]
    colour = {tag: COLOURS[i % len(COLOURS)] for i, tag in enumerate(others)}
    colour[summary["first_stage"]] = FIRST_STAGE_COLOUR
    with mpl.rc_context({**STYLE, "backend": "agg"}):
        for dataset in summary["datasets"] if tags else ():
            name = dataset["name"]
            drawn.append(_quality_by_depth(folder, summary, name, colour))
            if any(row["dataset"] == name for row in summary["latency"]):
                drawn += _quality_against_latency(folder, summary, name, colour)
    return drawn


def _quality_by_depth(
    folder: ResultFolder, summary: Mapping[str, Any], dataset: str, colour: Mapping[str, str]
) -> Plot:
    metric = summary["primary_metric"]
    rows = [r for r in summary["quality"] if r["dataset"] == dataset and r["metric"] == metric]
    ceilings = [c for c in summary["ceilings"] if c["dataset"] == dataset]
    axes = new_axes(f"{dataset}: {metric} by depth", "depth (candidates per query)", metric)
    depths = [c["depth"] for c in ceilings]
    axes.plot(
        depths,
        [c["recall"]["mean"] for c in ceilings],
        ":",
        color="black",
        lw=1.3,
        label="recall of the candidates",
    )
    axes.plot(
        depths, [c["best_order"][metric] for c in ceilings], "--", color="black", lw=1.3, label=BEST_ORDER
    )
    for place, (tag, part) in enumerate(_by_reranker(rows)):
        # Points of several rerankers at one depth stand a little apart, or their bars would hide each other.
        shift = 1 + 0.03 * (place - 1)
        _line(axes, [r["depth"] * shift for r in part], part, "mean", 1.0, colour[tag], tag)
    scale_to(axes, depths)
    axes.set_ylim(0, 1.02)
    legend_beside(axes)
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
    folder: ResultFolder, summary: Mapping[str, Any], dataset: str, colour: Mapping[str, str]
) -> list[Plot]:
    points = quality_latency_points(summary, dataset)
    if not points:
        return []
    metric = summary["primary_metric"]
    axes = new_axes(
        f"{dataset}: {metric} against latency", "median latency of one call with d documents (ms)", metric
    )
    for tag, part in _by_reranker(points):
        x = [p["p50_s"] * 1000 for p in part]
        y = [p["mean"] for p in part]
        x_bars = [[p["p50_s"] * 1000 - p["p50_lower_s"] * 1000 for p in part]]
        x_bars.append([p["p50_upper_s"] * 1000 - p["p50_s"] * 1000 for p in part])
        y_bars = [[p["mean"] - p["lower"] for p in part], [p["upper"] - p["mean"] for p in part]]
        axes.errorbar(
            x, y, xerr=x_bars, yerr=y_bars, fmt="-o", ms=4, lw=1.2, capsize=2, color=colour[tag], label=tag
        )
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
        axes.axhline(
            base[-1]["mean"], color=FIRST_STAGE_COLOUR, lw=1.2, ls="--", label=summary["first_stage"]
        )
    axes.set_xlim(left=0)
    legend_beside(axes)
    caption = (
        "Each point reranks d candidates in one call. Up is better, left is faster; bars are 95 % intervals."
        " The dashed line is the first stage alone. Only depths that were also timed as a batch size appear."
    )
    title = f"{dataset}: {metric} against latency"
    return [
        save_plot(folder.plots_folder, axes, f"{dataset}.quality-against-latency", title, caption, points)
    ]


def quality_latency_points(summary: Mapping[str, Any], dataset: str) -> list[dict[str, Any]]:
    """Join quality at depth d with the latency of a call with d documents, at concurrency 1."""
    latency = {
        (r["reranker"], r["batch_size"]): r["p50_s"]
        for r in plain(summary["latency"], dataset)
        if r["concurrency"] == 1 and r["p50_s"]["estimate"] is not None
    }
    return [
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


def _line(
    axes: Axes,
    x: Sequence[float],
    rows: Sequence[Row],
    key: str,
    factor: float,
    colour: str,
    label: str,
    style: str = "-o",
) -> None:
    held = [(at, r) for at, r in zip(x, rows, strict=True) if r[key] is not None]
    y = [r[key] * factor for _, r in held]
    bars = [
        [(r[key] - (r[key] if r["lower"] is None else r["lower"])) * factor for _, r in held],
        [((r[key] if r["upper"] is None else r["upper"]) - r[key]) * factor for _, r in held],
    ]
    axes.errorbar(
        [at for at, _ in held], y, yerr=bars, fmt=style, ms=4, lw=1.4, capsize=2, color=colour, label=label
    )


def _by_reranker(rows: Iterable[Any]) -> list[tuple[str, list[Any]]]:
    parts: dict[str, list[Any]] = {}
    for row in rows:
        parts.setdefault(row["reranker"], []).append(row)
    return list(parts.items())
