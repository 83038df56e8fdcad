"""Charts as PNG files."""

from __future__ import annotations

import io
import struct

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from support.charts import HARD

from evalkit.charts.chart import Chart
from evalkit.charts.figures import as_png_file
from evalkit.charts.layout import file_scene
from evalkit.charts.palette import SHADES
from evalkit.charts.scene import Area, Marker, Path, Scene, Text


@pytest.mark.parametrize("chart", [HARD["long-and-hostile-names"], HARD["rules"]], ids=["names", "rules"])
def test_a_picture_is_the_same_each_time(chart: Chart) -> None:
    """A PNG of the size of the layout, with the same bytes when it is drawn again."""
    content = as_png_file(file_scene(chart))
    assert content == as_png_file(file_scene(chart))
    width, height = struct.unpack(">II", content[16:24])
    assert width == 2 * (640 + 24)
    assert height > 600


def test_settings_of_the_user_change_no_picture() -> None:
    """Those of matplotlib that its renderer reads."""
    scene = file_scene(HARD["rules"])
    expected = as_png_file(scene)
    changed = {"path.simplify": False, "path.snap": False, "text.hinting": "none", "path.sketch": (9, 9, 9)}
    with mpl.rc_context(changed):  # type: ignore[arg-type]
        assert as_png_file(scene) == expected


def colours(scene: Scene) -> Image.Image:
    """Return the drawn picture."""
    return Image.open(io.BytesIO(as_png_file(scene))).convert("RGB")


def shade(role: str) -> tuple[int, ...]:
    """Return the light colour of a role."""
    return tuple(bytes.fromhex(SHADES[role].light[1:]))


def pixel(picture: Image.Image, x: float, y: float) -> object:
    """Return the colour at a place of the scene."""
    return picture.getpixel((round(2 * (x + 12)), round(2 * (y + 12))))


def test_every_kind_of_item_is_where_the_scene_has_it() -> None:
    """Each in the colour of its role, those that come later over the others."""
    square = ((10.0, 10.0), (50.0, 10.0), (50.0, 50.0), (10.0, 50.0))
    picture = colours(
        Scene(
            100.0,
            100.0,
            (
                Area("system-0", square, 1.0),
                Path("line", "bad", ((20.0, 30.0), (40.0, 30.0))),
                Marker("limit", "diamond", 80.0, 20.0),
                Marker("good", "circle", 80.0, 80.0, filled=False),
                Path("cloud", "ink", ((30.0, 80.0), (50.0, 80.0))),
            ),
        )
    )
    assert pixel(picture, 15, 15) == pixel(picture, 30, 35) == shade("system-0")
    assert pixel(picture, 30, 30) == shade("bad")
    assert pixel(picture, 80, 20) == shade("limit")
    assert pixel(picture, 80, 80) == pixel(picture, 60, 60) == shade("paper")
    assert pixel(picture, 80 - 4.2, 80) == shade("good")
    assert pixel(picture, 30, 80) == pixel(picture, 50, 80) != shade("paper")


@pytest.mark.parametrize(
    ("anchor", "left", "right"), [("start", 50, 90), ("middle", 30, 70), ("end", 10, 50)]
)
def test_text_is_placed_by_its_anchor(anchor: str, left: int, right: int) -> None:
    """Upright, above its baseline, and on the side of its place that the anchor says."""
    text = Text("title", "ink", 50.0, 50.0, "LLLL", anchor)  # type: ignore[arg-type]
    ink = np.asarray(colours(Scene(100.0, 100.0, (text,))).convert("L")) < 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    edges = [place / 2 - 12 for place in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)]
    assert left - 2 < edges[0] < edges[2] < right + 2
    assert edges[2] - edges[0] > 25
    assert 38 < edges[1] < 42
    assert 49 <= edges[3] <= 51
    assert ink[rows[-1]].sum() > 2 * ink[rows[0]].sum(), "the foot of the letters is below"


def test_a_text_without_letters_is_drawn_as_nothing() -> None:
    """As a name of one space."""
    assert as_png_file(Scene(10.0, 10.0, (Text("note", "ink", 1.0, 5.0, " "),))) == as_png_file(
        Scene(10.0, 10.0, ())
    )
