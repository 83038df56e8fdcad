"""Charts of thresholds and of probabilities, from choices on made-up queries."""

from __future__ import annotations

from support.systems import noisy_set

from evalkit.charts.chart import Line, Rule
from evalkit.comparison import Plan
from evalkit.report.calibration import reliability_charts
from evalkit.report.thresholds import threshold_charts
from evalkit.summaries.calibrations import calibrate
from evalkit.summaries.threshold_curves import Goal, find_threshold

SYSTEMS = noisy_set(200, 12, {"bm25": 0.5, "r": 3.0}, seed=6)
PLAN = Plan("bm25", "nDCG@10", seed=3)


def test_recall_and_precision_are_over_the_documents_kept() -> None:
    """Two panels with one x axis, bands around every mean, and the chosen threshold through both."""
    choice = find_threshold(SYSTEMS, "r", PLAN, Goal())
    (chart,) = threshold_charts([choice])
    names = [[mark.name for mark in panel.marks if isinstance(mark, Line)] for panel in chart.panels]
    assert names == [["recall", "precision"], ["kept"]]
    for panel in chart.panels:
        assert [mark.at for mark in panel.marks if isinstance(mark, Rule)] == [choice.threshold]
        for line in (mark for mark in panel.marks if isinstance(mark, Line)):
            for spot in line.spots:
                if spot.y is not None and spot.low is not None and spot.high is not None:
                    assert spot.low <= spot.y <= spot.high
            assert any(spot.low is not None for spot in line.spots)
    assert {"threshold", "recall", "recall_lower", "kept_upper", "quality"} <= set(chart.rows[0])


def test_reliability_has_an_interval_for_every_bin() -> None:
    """Each function is a line of its bins, and the share of each bin is inside its interval."""
    result = calibrate(SYSTEMS, "r", "unbounded", PLAN)
    (chart,) = reliability_charts([result])
    lines = [mark for mark in chart.panels[0].marks if isinstance(mark, Line) and mark.named]
    assert [line.name for line in lines] == list(result.functions)
    for line in lines:
        for spot in line.spots:
            assert (spot.low or 0.0) <= (spot.y or 0.0) <= (spot.high or 0.0)
            assert (spot.low or 0.0) < (spot.high or 0.0)
