"""Charts of differences to the baseline."""

from __future__ import annotations

from support.documents import comparison, comparisons

from evalkit.charts.chart import Bars, Points, Zone
from evalkit.comparison.change_histogram import ChangeHistogram
from evalkit.report.difference_charts import change_charts, comparison_charts, difference_charts
from evalkit.results.comparison_document import VersionComparisons, VersionTags


def test_each_system_has_a_row_with_its_simultaneous_interval() -> None:
    """The best is on top, the interval is that of all systems together, and the margin is shaded."""
    worse = comparison("worse", difference=-0.02, lower=-0.03, upper=-0.01)
    best = comparison("best", difference=0.05, joint_lower=0.01, joint_upper=0.09)
    (chart,) = difference_charts(comparisons(worse, best))
    (panel,) = chart.panels
    points = [mark for mark in panel.marks if isinstance(mark, Points)]
    assert [tick.text for tick in panel.y.ticks] == [mark.name for mark in points] == ["best", "worse"]
    assert [(mark.spots[0].left, mark.spots[0].right) for mark in points] == [(0.01, 0.09), (-0.03, -0.01)]
    assert [(mark.low, mark.high) for mark in panel.marks if isinstance(mark, Zone)] == [(-0.01, 0.01)]
    assert [row["verdict"] for row in chart.rows] == ["better", "better"]


def test_a_system_without_a_difference_has_no_row() -> None:
    """A comparison without queries is no row, and without any other there is no chart."""
    assert difference_charts(comparisons(comparison(difference=None))) == []


def test_wins_losses_and_unchanged_queries_are_bars() -> None:
    """Every query is in one bar: losses left, unchanged ones at 0, wins right, each with its count and colour."""
    histogram = ChangeHistogram(0.1, (3, 0, 1), (2,))
    (chart,) = change_charts(
        comparisons(comparison("x", histogram=histogram, wins=2, ties=5, losses=4, n=11))
    )
    (bars,) = (mark.bars for mark in chart.panels[0].marks if isinstance(mark, Bars))
    shown = [(bar.value, bar.role) for bar in bars if bar.value]
    assert shown == [(1, "bad"), (3, "bad"), (5, "muted"), (2, "good")]
    assert sum(row["queries"] for row in chart.rows) == 11
    assert {(row["from"], row["to"]) for row in chart.rows} >= {(-0.1, 0.0), (0.0, 0.1)}
    assert "better on 2 of 11 queries, worse on 4, equal on 5" in chart.caption
    texts = {tick.at: tick.text for tick in chart.x.ticks}
    assert (texts[0.0], texts[1.5], texts[-3.5]) == ("0", "+0.1", "\u22120.3")


def test_equal_systems_have_no_histogram() -> None:
    """Where no query changes there is nothing to count."""
    assert change_charts(comparisons(comparison(histogram=None))) == []


def test_versions_are_named_by_their_reranker() -> None:
    """The systems of two versions are called before and after, so their charts have the tag of the reranker."""
    one = comparison("after", histogram=ChangeHistogram(0.1, (), (1,)))
    within = comparisons(one)
    versions = VersionComparisons(
        plan=within.plan, datasets=within.datasets, pooled=(), reranker=VersionTags("old", "new"), transfer=()
    )
    assert [chart.name for chart in comparison_charts(within)] == ["d.differences", "d.after.query-changes"]
    assert [chart.name for chart in comparison_charts(versions)] == ["d.new.query-changes"]
