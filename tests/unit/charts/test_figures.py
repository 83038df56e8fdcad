"""Charts as PNG files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support.charts import HARD

from evalkit.charts.chart import Chart
from evalkit.charts.figures import write_png


@pytest.mark.parametrize("chart", [HARD["long-and-hostile-names"], HARD["rules"]], ids=["names", "rules"])
def test_a_picture_is_the_same_each_time(chart: Chart, tmp_path: Path) -> None:
    """A PNG of the size of the layout, with the same bytes when it is written again."""
    for name in ("one.png", "two.png"):
        write_png(chart, tmp_path / name)
    content = (tmp_path / "one.png").read_bytes()
    assert content == (tmp_path / "two.png").read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert width == 2 * (640 + 24)
    assert height > 600
