"""Quality at every depth that was asked for, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalkit.report.drawing import (
    Plot,
    by_reranker,
    colours,
    drawing,
    label_ends,
    new_axes,
    save_plot,
    scale_to,
)
from evalkit.results import ResultFolder
from evalkit.summaries.quality_cells import BEST_ORDER

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
    for place, (tag, part) in enumerate(by_reranker(rows)):
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


def _line(axes: Axes, x: Sequence[float], rows: Sequence[Row], colour: str) -> None:
    """Draw means with their intervals, where they have one."""
    y = [row["mean"] for row in rows]
    below = [0.0 if row["lower"] is None else row["mean"] - row["lower"] for row in rows]
    above = [0.0 if row["upper"] is None else row["upper"] - row["mean"] for row in rows]
    axes.errorbar(x, y, yerr=[below, above], fmt="-o", ms=4, lw=1.4, capsize=2, color=colour)
