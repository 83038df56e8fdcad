"""Write charts as files: PNG and SVG of each, and its data as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evalkit.charts.chart import Chart
from evalkit.charts.figures import write_png
from evalkit.charts.svg import as_svg_file
from evalkit.formats.csv_text import csv_text


def write_charts(into: Path, charts: Iterable[Chart]) -> None:
    """Write every chart into a folder; the same charts give the same bytes."""
    into.mkdir(parents=True, exist_ok=True)
    for chart in charts:
        name = chart.name
        write_png(chart, into / f"{name}.png")
        svg = as_svg_file(chart)
        (into / f"{name}.svg").write_text(svg, encoding="utf-8", errors="replace")
        _write_rows(chart, into / f"{name}.csv")


def _write_rows(chart: Chart, file: Path) -> None:
    columns = dict.fromkeys(key for row in chart.rows for key in row)
    with file.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        stream.write(csv_text(columns, chart.rows))
