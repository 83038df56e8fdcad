"""Write charts as files: PNG and SVG of each, and its data as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from evalkit.charts.chart import Chart
from evalkit.charts.drawing import as_png_files
from evalkit.charts.layout import file_scene
from evalkit.charts.scene import Scene
from evalkit.charts.svg import as_svg_file
from evalkit.files import make_folder, write_file
from evalkit.formats.csv_text import csv_text


def write_charts(
    into: Path,
    charts: Iterable[Chart],
    earlier: Callable[[str, Scene], bytes | None] = lambda _name, _scene: None,
) -> None:
    """Write every chart into a folder; the same charts give the same bytes.

    Parameters
    ----------
    into, charts
        The folder, which is made where it is missing, and the charts.
    earlier
        Returns the PNG of a name if the same scene was drawn before; None to draw it.
    """
    make_folder(into)
    charts = list(charts)
    scenes = [file_scene(chart) for chart in charts]
    known = [earlier(f"{chart.name}.png", scene) for chart, scene in zip(charts, scenes, strict=True)]
    drawn = iter(as_png_files([scene for scene, one in zip(scenes, known, strict=True) if one is None]))
    for chart, scene, picture in zip(charts, scenes, known, strict=True):
        png = next(drawn) if picture is None else picture
        write_file(into / f"{chart.name}.png", png, inside=into)
        write_file(into / f"{chart.name}.svg", as_svg_file(chart, scene), inside=into)
        write_file(into / f"{chart.name}.csv", _rows(chart), inside=into)


def _rows(chart: Chart) -> str:
    """Return the data of a chart as CSV."""
    columns = dict.fromkeys(key for row in chart.rows for key in row)
    return csv_text(columns, chart.rows)
