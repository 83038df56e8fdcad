"""Colours, style and files of all plots. The same data gives the same bytes."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from evalkit.results.folder import slug
from evalkit.results.summary_document import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F3C8D", "#A5AA99")
"""Okabe and Ito's palette (readable without colour vision), then two more; rerankers take them in order."""

WIDE = 30
"""Ratio of the largest to the smallest value above which an axis is logarithmic."""
LONGEST_BESIDE = 32
"""Characters of the longest label with which a legend is placed to the right of the plot."""
LABEL_HEIGHT = 0.052
"""Share of the axes' height that a direct label takes."""
LABEL_AT = 1.05
"""Where direct labels begin, as a share of the axes' width."""
FIRST_STAGE_COLOUR = "#666666"
STYLE: dict[Any, Any] = {
    "figure.figsize": (7.2, 4.4),
    "figure.dpi": 100,
    "font.family": "sans-serif",
    "font.sans-serif": [
        "DejaVu Sans",
        "Verdana",
        "Arial",
    ],  # text is laid out in the first; a viewer uses the first that is installed
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E5E5",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "evalkit",
    "svg.fonttype": "none",
    "savefig.transparent": False,
    "text.parse_math": False,  # a name may contain dollar signs
}


class OfReranker(Protocol):
    """A row that belongs to one reranker."""

    @property
    def reranker(self) -> str:
        """The tag."""
        ...


RowT = TypeVar("RowT", bound=OfReranker)


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawn plot.

    Attributes
    ----------
    name
        File name without ending.
    title
        Heading.
    caption
        How to read it.
    svg
        The picture as SVG text, for a page.
    """

    name: str
    title: str
    caption: str
    svg: str
    folded: bool = False

    @property
    def file(self) -> str:
        """Name of its files without ending."""
        return slug(self.name)


@contextmanager
def drawing() -> Iterator[None]:
    """Set the style of all plots; a character that the font lacks is drawn as a box, without a warning."""
    import matplotlib as mpl

    with mpl.rc_context({**STYLE, "backend": "agg"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def colours(summary: Summary) -> dict[str, str]:
    """Return system -> its colour, the same one in every plot of a report."""
    first_stage = summary.first_stage
    tags = dict.fromkeys(
        tag
        for tag in [*(row.reranker for row in summary.quality), *(row.reranker for row in summary.latency)]
    )
    others = [tag for tag in tags if tag != first_stage]
    return {tag: COLOURS[place % len(COLOURS)] for place, tag in enumerate(others)} | {
        first_stage: FIRST_STAGE_COLOUR
    }


def by_reranker(rows: Iterable[RowT]) -> list[tuple[str, list[RowT]]]:
    """Return tag and rows of every reranker, in the order of the rows."""
    parts: dict[str, list[RowT]] = {}
    for row in rows:
        parts.setdefault(row.reranker, []).append(row)
    return list(parts.items())


def with_gaps(values: Iterable[float | None]) -> list[float]:
    """Return values with NaN for None, so that a line has gaps there."""
    return [float("nan") if value is None else value for value in values]


def new_axes(title: str, x_label: str, y_label: str) -> Axes:
    """Return the axes of a new figure."""
    from matplotlib.figure import Figure

    axes = Figure(layout="constrained").subplots()
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return axes


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Write names at the right ends of lines, without overlap; a thin line leads from each end to its name.

    Parameters
    ----------
    axes
        The axes, with their final limits.
    ends
        x, y, name and colour of every line's end.
    """
    axes.get_ylim()  # brings the limits up to date
    places = [axes.transAxes.inverted().transform(axes.transData.transform((x, y)))[1] for x, y, *_ in ends]
    apart = spread_apart(places, LABEL_HEIGHT)
    above = max([0.0, *(place - 1 for place in apart)])
    for (x, y, name, colour), place in zip(ends, (place - above for place in apart), strict=True):
        axes.annotate(
            name, (x, y), xytext=(LABEL_AT, place), textcoords="axes fraction", va="center", fontsize=9,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 1.0, "shrinkA": 1, "shrinkB": 2},
        )  # fmt: skip


def label_lines(axes: Axes) -> None:
    """Write the label of every line at its right end; the axes must have their final limits."""
    ends = []
    handle: Any
    for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
        line = (
            handle[0] if isinstance(handle, tuple) else handle
        )  # error bars come as a tuple, their line first
        ends.append((line.get_xdata()[-1], line.get_ydata()[-1], label, line.get_color()))
    label_ends(axes, ends)


def spread_apart(places: Sequence[float], least: float) -> list[float]:
    """Return places in the same order with at least `least` between neighbours and the same mean."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    for below, above in pairwise(order):
        moved[above] = max(moved[above], moved[below] + least)
    shift = (sum(moved) - sum(places)) / max(len(places), 1)
    return [place - shift for place in moved]


def legend_beside(axes: Axes) -> None:
    """Place the legend to the right of the plot, below it if labels are long; none if no line has a label."""
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
    """Place x ticks at the measured values; the axis is logarithmic where they span more than a factor of 5."""
    if len(values) > 1 and max(values) / min(values) > 5:
        axes.set_xscale("log")
    axes.set_xticks(values, [str(v) for v in values])
    axes.minorticks_off()


def save_plot(
    into: Path, axes: Axes, name: str, title: str, caption: str, data: Sequence[Mapping[str, Any]]
) -> Plot:
    """Write a figure as PNG and SVG, and its data as CSV, into a folder."""
    into.mkdir(parents=True, exist_ok=True)
    figure: Any = axes.figure
    figure.savefig(into / f"{slug(name)}.png", metadata={"Software": None})
    figure.set_layout_engine("none")  # the layout is final; computing it again takes as long as drawing
    plot = picture(axes, name, title, caption)
    (into / f"{plot.file}.svg").write_text(plot.svg, encoding="utf-8")
    with (into / f"{plot.file}.csv").open("w", encoding="utf-8", newline="") as file:
        columns = dict.fromkeys(key for row in data for key in row)
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(data)
    return plot


def picture(axes: Axes, name: str, title: str, caption: str) -> Plot:
    """Return a figure as SVG text, without writing a file."""
    stream = io.StringIO()
    axes.figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})  # type: ignore[union-attr]
    return Plot(name, title, caption, stream.getvalue())
