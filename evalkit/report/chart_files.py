"""Write charts as files: PNG and SVG of each, and its data as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evalkit.charts.chart import Chart
from evalkit.charts.drawing import as_png_files
from evalkit.charts.layout import file_scene
from evalkit.charts.svg import as_svg_file
from evalkit.files import make_folder, write_file
from evalkit.formats.csv_text import csv_text


def write_charts(into: Path, charts: Iterable[Chart]) -> None:
    """Write every chart into a folder; the same charts give the same bytes."""
    make_folder(into)
    charts = list(charts)
    scenes = [file_scene(chart) for chart in charts]
    for chart, scene, picture in zip(charts, scenes, as_png_files(scenes), strict=True):
        write_file(into / f"{chart.name}.png", picture, inside=into)
        write_file(into / f"{chart.name}.svg", as_svg_file(chart, scene), inside=into)
        write_file(into / f"{chart.name}.csv", _rows(chart), inside=into)


def _rows(chart: Chart) -> str:
    """Return the data of a chart as CSV."""
    columns = dict.fromkeys(key for row in chart.rows for key in row)
    return csv_text(columns, chart.rows)
