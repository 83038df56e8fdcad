"""What every picture shares: colours, style, and how one is written. The same data gives the same bytes."""

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
"""Ratio of the largest to the smallest from which an axis is logarithmic."""
LONGEST_BESIDE = 32
"""Characters of a label that leave a plot beside them wide enough."""
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
    ],  # drawn with the first, read with whatever is there
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
    "text.parse_math": False,  # a name may hold dollars
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

    @property
    def file(self) -> str:
        """Name of its files without ending."""
        return slug(self.name)


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in evalkit's style, into files alone; a letter that the font lacks is a box, and no warning."""
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
    """Return values for a line that has a gap where a value is not known."""
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
    """Name lines at their right ends, apart from each other; a thin line leads from each end to its name.

    Parameters
    ----------
    axes
        With their final limits.
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
    """Name every line that has a label at its right end; axes with their final limits."""
    ends = []
    handle: Any
    for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
        line = handle[0] if isinstance(handle, tuple) else handle  # bars and their line come as one
        ends.append((line.get_xdata()[-1], line.get_ydata()[-1], label, line.get_color()))
    label_ends(axes, ends)


def spread_apart(places: Sequence[float], least: float) -> list[float]:
    """Return places in the same order, moved up so far that neighbours are `least` apart, and down as a whole."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    for below, above in pairwise(order):
        moved[above] = max(moved[above], moved[below] + least)
    shift = (sum(moved) - sum(places)) / max(len(places), 1)
    return [place - shift for place in moved]


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
    figure: Any = axes.figure
    figure.savefig(into / f"{slug(name)}.png", metadata={"Software": None})
    figure.set_layout_engine("none")  # laid out once: that takes as long as drawing
    plot = picture(axes, name, title, caption)
    (into / f"{plot.file}.svg").write_text(plot.svg, encoding="utf-8")
    with (into / f"{plot.file}.csv").open("w", encoding="utf-8", newline="") as file:
        columns = dict.fromkeys(key for row in data for key in row)
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(data)
    return plot


def picture(axes: Axes, name: str, title: str, caption: str) -> Plot:
    """Return a figure that stands in no file."""
    stream = io.StringIO()
    axes.figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})  # type: ignore[union-attr]
    return Plot(name, title, caption, stream.getvalue())
