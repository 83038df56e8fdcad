"""Quality against latency and cost: which points there are, for documents written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.documents import cost, quality, summary, sweep, timed, tuning
from support.latency_answers import answers_of, calls_of

from evalkit.charts.chart import Line, Rule
from evalkit.config.latency import SloSettings
from evalkit.report.tradeoffs import cost_points, latency_points, tradeoff_charts
from evalkit.results.tuning_document import Tuning
from evalkit.stats import Interval

ROWS = [quality("bm25", 20, 0.3), quality("x", 10, 0.4), quality("x", 20, 0.5)]
"""Two depths of a reranker; the deeper one was paid for."""
FOUND = summary(ROWS, [timed("x", 20, 0.1)], [cost("x", 50, 1000)])
SWEPT = tuning(sweep("x", [0.002 * depth for depth in range(1, 21)]))


def test_only_depths_that_were_timed_have_a_latency() -> None:
    """A depth without calls of that many documents is no point, and the first stage alone is none."""
    (point,) = latency_points(FOUND, "d")
    assert (point.reranker, point.depth, point.value) == ("x", 20, 0.1)
    assert (point.expense.lower, point.expense.upper) == pytest.approx((0.09, 0.12))


@pytest.mark.parametrize(
    ("tuned", "costs"), [(SWEPT, {10: 0.02, 20: 0.04}), (tuning(), {20: 0.04})], ids=["swept", "billed alone"]
)
def test_a_cost_is_what_was_billed_or_its_share(tuned: Tuning, costs: dict[int, float]) -> None:
    """Every depth has the cost of its sweep; without one, only the depth that was paid for has a cost."""
    points = cost_points(FOUND, tuned, "d")
    assert {point.depth: point.value for point in points} == pytest.approx(costs)


def test_without_a_price_there_is_no_point() -> None:
    """Where nothing is billed, there is no cost to plot quality against."""
    assert cost_points(summary(ROWS, [timed("x", 20, 0.1)]), tuning(), "d") == []


def test_the_chart_shows_differences_to_the_first_stage() -> None:
    """Up is the paired difference, the first stage is the zero line, a solid point is on the front, a limit is a
    rule, and what has no known difference is no point.
    """
    rows = [
        quality("bm25", 20, 0.3),
        replace(quality("x", 10, 0.4), difference=Interval(0.1, 0.05, 0.15, 50)),
        replace(quality("x", 20, 0.35), difference=Interval(0.05, 0.0, 0.1, 50)),
        quality("unknown", 10, 0.9),
    ]
    timings = [timed("x", 10, 0.1), timed("x", 20, 0.2), timed("unknown", 10, 0.1)]
    answers = answers_of(calls_of("a", 0.1), slo=SloSettings(max_ms=250))
    (chart,) = tradeoff_charts(summary(rows, timings, datasets=["d"]), tuning(), answers)
    (panel,) = chart.panels
    (line,) = (mark for mark in panel.marks if isinstance(mark, Line))
    assert [(spot.x, spot.y, spot.filled, spot.label) for spot in line.spots] == [
        (pytest.approx(100), 0.1, True, "10"),
        (pytest.approx(200), 0.05, False, "20"),
    ]
    rules = {(mark.along, mark.at): mark.label for mark in panel.marks if isinstance(mark, Rule)}
    assert rules == {("y", 0.0): "bm25 alone", ("x", 250.0): "p95 limit 250 ms"}
    assert (panel.y.zero, panel.y.form) == (True, "signed")
