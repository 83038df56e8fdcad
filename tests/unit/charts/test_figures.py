"""Charts as PNG files."""

from __future__ import annotations

import struct

import pytest
from support.charts import HARD

from evalkit.charts.chart import Chart
from evalkit.charts.figures import as_png_file


@pytest.mark.parametrize("chart", [HARD["long-and-hostile-names"], HARD["rules"]], ids=["names", "rules"])
def test_a_picture_is_the_same_each_time(chart: Chart) -> None:
    """A PNG of the size of the layout, with the same bytes when it is drawn again."""
    content = as_png_file(chart)
    assert content == as_png_file(chart)
    width, height = struct.unpack(">II", content[16:24])
    assert width == 2 * (640 + 24)
    assert height > 600
