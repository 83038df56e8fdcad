"""What every picture shares: colours, style, and how one is written. The same data gives the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.experiment.folder import slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F3C8D", "#A5AA99")
"""Okabe and Ito's palette (readable without colour vision), then two more; rerankers take them in order."""

LONGEST_BESIDE = 32
"""Characters of a label that leave a plot beside them wide enough."""
FIRST_STAGE_COLOUR = "#666666"
STYLE: dict[Any, Any] = {
    "figure.figsize": (7.2, 4.4),
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E5E5",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "evalkit",
    "svg.fonttype": "path",
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawn plot.

    Attributes
    ----------
    name
        File name without ending.
    title
        What it shows.
    caption
        How to read it.
    svg
        The picture, to stand inside a page.
    """

    name: str
    title: str
    caption: str
    svg: str


def new_axes(title: str, x_label: str, y_label: str) -> Axes:
    """Return the axes of a new figure."""
    from matplotlib.figure import Figure

    axes = Figure(layout="constrained").subplots()
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return axes


def legend_beside(axes: Axes) -> None:
    """Put the legend beside the plot, below it where its labels are long; none where nothing could be drawn."""
    labels = axes.get_legend_handles_labels()[1]
    if not labels:
        return
    if max(map(len, labels)) > LONGEST_BESIDE:
        figure: Any = axes.figure
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    else:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))


def plain_ticks(axis: Axis) -> None:
    """Write 1, 2, 5, 10, ... on a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def scale_to(axes: Axes, values: Sequence[int]) -> None:
    """Put ticks where something was measured; a log axis where the values span more than a factor of 5."""
    if len(values) > 1 and max(values) / min(values) > 5:
        axes.set_xscale("log")
    axes.set_xticks(values, [str(v) for v in values])
    axes.minorticks_off()


def save_plot(
    into: Path, axes: Axes, name: str, title: str, caption: str, data: Sequence[Mapping[str, Any]]
) -> Plot:
    """Write a figure as PNG and SVG, and its data as CSV, into a folder."""
    into.mkdir(parents=True, exist_ok=True)
    figure = axes.figure
    figure.savefig(into / f"{slug(name)}.png", metadata={"Software": None})  # type: ignore[union-attr]
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})  # type: ignore[union-attr]
    (into / f"{slug(name)}.svg").write_text(stream.getvalue(), encoding="utf-8")
    with (into / f"{slug(name)}.csv").open("w", encoding="utf-8", newline="") as file:
        columns = dict.fromkeys(key for row in data for key in row)
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(data)
    return Plot(name, title, caption, stream.getvalue())
