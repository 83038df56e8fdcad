"""Charts as SVG: well formed, inside their box, readable, and the same bytes each time."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support.charts import HARD, NAMES

from evalkit.charts.chart import Chart
from evalkit.charts.layout import file_scene
from evalkit.charts.stops import stops_of
from evalkit.charts.svg import as_figure, as_svg, as_svg_file, page_css

SIZES = [("wide", 540.0, 300.0), ("narrow", 340.0, 260.0)]
EACH = pytest.mark.parametrize("chart", HARD.values(), ids=list(HARD))


@EACH
@pytest.mark.parametrize(("kind", "width", "height"), SIZES)
def test_every_mark_is_inside_the_view_box(chart: Chart, kind: str, width: float, height: float) -> None:
    """It is well-formed XML, and no path, circle or beginning of a text is outside its view box."""
    root = ET.fromstring(as_svg(chart, width, height, stops_of(chart), kind=kind))  # noqa: S314 - our own text
    _, _, right, bottom = map(float, root.attrib["viewBox"].split())
    assert right == width
    for node in root.iter():
        at = [(float(node.get("x", node.get("cx", 0))), float(node.get("y", node.get("cy", 0))))]
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", node.get("d", "").replace("h0", ""))]
        at += zip(numbers[::2], numbers[1::2], strict=True)
        assert all(-0.1 <= x <= right + 0.1 and -0.1 <= y <= bottom + 0.1 for x, y in at), node.attrib


@EACH
def test_the_same_chart_gives_the_same_bytes(chart: Chart) -> None:
    """Nothing in a picture depends on when or how often it is drawn."""
    assert as_figure(chart) == as_figure(chart)
    assert as_svg_file(chart, file_scene(chart)) == as_svg_file(chart, file_scene(chart))


@EACH
def test_a_file_stands_alone(chart: Chart) -> None:
    """It is well formed with its own style, uses no variable that it does not define, and contains its caption."""
    text = as_svg_file(chart, file_scene(chart))
    root = ET.fromstring(text)  # noqa: S314 - our own text
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert set(re.findall(r"var\((--[\w-]+)\)", text)) <= {*re.findall(r"(--[\w-]+):", text)}
    assert "font-family" in text
    assert root.findtext("{http://www.w3.org/2000/svg}desc") == chart.caption


def test_names_are_text_and_never_markup() -> None:
    """Hostile names are shown letter by letter, characters that XML forbids as a replacement character."""
    shown = as_figure(HARD["long-and-hostile-names"])
    assert "<script" not in shown
    chart = HARD["long-and-hostile-names"]
    root = ET.fromstring(as_svg_file(chart, file_scene(chart)))  # noqa: S314 - our own text
    texts = {"".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")}
    assert NAMES[1] in texts
    assert any(text.startswith("x\ufffd") for text in texts)
    assert "\x00" not in shown


def test_a_shortened_name_has_the_whole_one_on_hover() -> None:
    """A long name ends in an ellipsis and carries its full text as the title of its element."""
    root = ET.fromstring(as_svg(HARD["long-and-hostile-names"], 540, 300, ()))  # noqa: S314 - our own text
    (node,) = (node for node in root.iter("text") if (node.findtext("title") or "") == NAMES[0])
    assert (node[0].tail or "").endswith("\u2026")


@EACH
def test_both_sizes_have_a_place_for_every_stop(chart: Chart) -> None:
    """The texts of the stops are there once, and each size has as many places, in the same order."""
    figure = as_figure(chart)
    texts = json.loads(html.unescape(re.findall(r'data-stops="([^"]*)"', figure)[0]))
    assert len(texts) == len(stops_of(chart))
    for places in re.findall(r'data-at="([^"]*)"', figure):
        assert len([place for place in places.split(";") if place]) == len(texts)
    assert figure.count("<svg") == 2


def test_the_page_has_a_colour_for_every_role_that_is_drawn() -> None:
    """Every class of a role in a picture has a rule, and every variable of the rules is defined."""
    css = page_css()
    drawn = {role for chart in HARD.values() for role in re.findall(r"\b(r-[\w-]+)", as_figure(chart))}
    assert drawn <= {*re.findall(r"\.(r-[\w-]+)", css)}
    defined = set(re.findall(r"(--[\w-]+):", css))
    assert set(re.findall(r"var\((--[\w-]+)\)", css)) <= defined


def test_svg_needs_no_matplotlib() -> None:
    """Neither for a page nor for a file: it takes longer to import than all charts of a page to draw."""
    code = (
        "import sys; from support.charts import HARD; from evalkit.charts.layout import file_scene;"
        "from evalkit.charts.svg import as_figure, as_svg_file; from evalkit.report import pages;"
        "[(as_figure(chart), as_svg_file(chart, file_scene(chart))) for chart in HARD.values()];"
        "assert 'matplotlib' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parents[2])])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
