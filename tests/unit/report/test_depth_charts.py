"""Charts of quality by depth."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.documents import quality, summary, sweep, tuning

from evalkit.charts.chart import Line, Points, Rule
from evalkit.report.depth_charts import depth_charts, sweep_charts, thinned
from evalkit.results.tuning_document import DepthSweep
from evalkit.stats import Interval
from evalkit.tuning import Choice


def swept(tag: str, depths: int, recommended: int | None) -> DepthSweep:
    """Return a sweep whose mean is a hundredth of the depth."""
    choice = Choice(depths, depths, recommended, None, deepest=depths, chosen=recommended)
    found = sweep(tag, [None] * depths, choice)
    rows = [
        replace(
            row, mean=Interval(row.depth / 100, row.depth / 100 - 0.1, row.depth / 100 + 0.1, 50), oracle=0.9
        )
        for row in found.rows
    ]
    return replace(found, rows=tuple(rows), first_stage=Interval(0.05, 0.0, 0.1, 50))


def test_all_systems_share_one_chart() -> None:
    """Swept systems are solid lines with bands at every depth, others dashed at theirs, the first stage a rule."""
    rows = [
        quality("bm25", 20, 0.3),
        quality("swept", 20, 0.2),
        quality("listwise", 20, 0.5),
        quality("listwise", 5, 0.4),
    ]
    (chart,) = depth_charts(summary(rows, datasets=["d"]), tuning(swept("swept", 20, 10)))
    marks = chart.panels[0].marks
    lines = {mark.name: mark for mark in marks if isinstance(mark, Line)}
    assert [spot.x for spot in lines["swept"].spots] == list(range(1, 21))
    assert (lines["swept"].dash, lines["swept"].bounds) == ("solid", "band")
    assert [spot.x for spot in lines["listwise"].spots] == [5, 20]
    assert (lines["listwise"].dash, lines["listwise"].bounds) == ("dashed", "bars")
    assert [(rule.at, rule.label) for rule in marks if isinstance(rule, Rule)] == [(0.3, "bm25 alone")]
    assert (chart.panels[0].y.low, chart.panels[0].y.high) == (None, None)
    assert {row["series"] for row in chart.rows} == {"bm25", "swept", "listwise"}


def test_the_recommended_depth_is_a_point_in_the_colour_of_its_system() -> None:
    """It is hollow where it is not confirmed, and there is none without a recommendation."""
    rows = [quality("a", 20, 0.2), quality("b", 20, 0.2)]
    (chart,) = depth_charts(summary(rows, datasets=["d"]), tuning(swept("a", 20, 10), swept("b", 20, None)))
    (point,) = (mark for mark in chart.panels[0].marks if isinstance(mark, Points))
    (spot,) = point.spots
    assert (point.role, spot.x, spot.y, spot.filled, spot.label) == ("system-0", 10, 0.1, False, "10")


def test_a_dataset_without_a_mean_has_no_chart() -> None:
    """Without rows of the dataset nothing is drawn."""
    assert depth_charts(summary(datasets=["d"]), tuning()) == []


def test_each_sweep_keeps_its_chart_with_the_best_order() -> None:
    """The file of a sweep has the best possible order, the recommendation, and every depth in its data."""
    (chart,) = sweep_charts([swept("a", 20, 10)], {"a": "system-3"})
    assert {mark.name for mark in chart.panels[0].marks if isinstance(mark, Line)} == {
        "best possible order",
        "a",
    }
    assert [mark.at for mark in chart.panels[0].marks if isinstance(mark, Rule)] == [10, 0.05]
    assert (chart.name, chart.folded, len(chart.rows)) == ("d.a.tune-depth", True, 20)


@pytest.mark.parametrize("depths", [1, 120, 1000])
def test_a_deep_sweep_is_drawn_with_fewer_points(depths: int) -> None:
    """The first, the last and the recommended depth are always drawn; the others are at most some hundred."""
    kept = max(1, depths - 3)
    drawn = [row.depth for row in thinned(swept("a", depths, kept).rows, kept)]
    assert {1, kept, depths} <= set(drawn)
    assert drawn == sorted(set(drawn))
    assert len(drawn) <= 124
