"""Layout: no text on another, none outside, names where they belong."""

from __future__ import annotations

import itertools

import pytest
from support.charts import HARD, NAMES, line
from support.charts import chart as chart_of

from evalkit.charts.chart import Chart, Line, Spot
from evalkit.charts.frame import overlaps
from evalkit.charts.layout import lay_out
from evalkit.charts.scene import Path, Scene, Text, room_of
from evalkit.charts.text_size import text_width

EACH = pytest.mark.parametrize("chart", HARD.values(), ids=list(HARD))
SIZES = pytest.mark.parametrize(
    ("width", "height", "titled"), [(540, 300, False), (340, 260, False), (640, 360, True)]
)


def box_of(text: Text) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a text, by its estimated width."""
    size = room_of(text.kind)
    width = text_width(text.text, size)
    left = text.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
    return left, text.y - 0.75 * size, left + width, text.y + 0.2 * size


def texts_of(scene: Scene) -> list[Text]:
    """Return all texts of a scene."""
    return [item for item in scene.items if isinstance(item, Text)]


@EACH
@SIZES
def test_no_text_is_on_another_or_outside(chart: Chart, width: float, height: float, *, titled: bool) -> None:
    """Estimated boxes of all texts are inside the picture, and none overlaps another."""
    scene = lay_out(chart, width, height, titled=titled)
    boxes = [(text, box_of(text)) for text in texts_of(scene)]
    for text, box in boxes:
        assert box[0] >= -0.5, text
        assert box[2] <= width + 0.5, text
        assert box[1] >= -0.5, text
        assert box[3] <= scene.height + 0.5, text
    for (one, first), (other, second) in itertools.combinations(boxes, 2):
        assert not overlaps(first, second), (one.text, other.text)


def test_names_are_at_the_ends_of_lines_where_there_is_room() -> None:
    """A wide chart has each name right of the plot in the colour of its line; a narrow one has it above the plot."""
    chart = chart_of("c", line("one", 0, (0.1, 0.2)), line("other", 1, (0.3, 0.9)))
    wide, narrow = lay_out(chart, 540, 300), lay_out(chart, 340, 260)
    names = [text for text in texts_of(wide) if text.kind == "name"]
    end = max(
        x for item in wide.items if isinstance(item, Path) and item.kind == "line" for x, _ in item.places
    )
    assert [(text.text, text.role) for text in names] == [("one", "system-0"), ("other", "system-1")]
    assert all(text.x > end for text in names)
    assert all(text.y < narrow.top for text in texts_of(narrow) if text.kind == "name")


def test_names_go_above_where_lines_end_elsewhere() -> None:
    """Lines that end at different places have their names above the plot, however wide it is."""
    short = Line("short", "system-0", (Spot(1, 0.1), Spot(2, 0.2)))
    scene = lay_out(chart_of("c", short, line("long", 1, (0.1,) * 9)), 540, 300)
    assert all(text.y < scene.top for text in texts_of(scene) if text.kind == "name")


def test_a_gap_breaks_a_line() -> None:
    """No line leads over an unknown value, and a chart without any value has no line."""
    drawn = {
        name: [
            item
            for item in lay_out(HARD[name], 540, 300).items
            if isinstance(item, Path) and item.kind == "line"
        ]
        for name in ("gaps", "nothing")
    }
    assert [(len(item.places), item.role) for item in drawn["gaps"]] == [(2, "system-0")] * 2
    assert drawn["nothing"] == []


def test_crowded_ticks_are_thinned_and_the_last_is_kept() -> None:
    """Of sixty ticks some are left out, but not the last one."""
    ticks = [
        text.text for text in texts_of(lay_out(HARD["crowded-ticks"], 540, 300)) if text.text[:5] == "depth"
    ]
    assert 3 < len(ticks) < 60
    assert "depth 60" in ticks


def test_more_categories_make_a_chart_higher() -> None:
    """A row for each system has the same height, however many there are."""
    assert lay_out(HARD["forest"], 540, 300).height > 28 * len(NAMES)
