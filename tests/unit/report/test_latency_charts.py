"""Charts of a latency pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from support.call_tables import calls_table
from support.documents import summary
from support.latency_answers import answers_of, calls_of, served

from evalkit.charts.chart import Chart, Line, Rule
from evalkit.charts.stops import stops_of
from evalkit.config.latency import LatencySettings, SloSettings
from evalkit.latency import RoundState
from evalkit.report.latency_charts import latency_charts
from evalkit.results.timed_calls import cells_of
from evalkit.summaries.latency_cells import latency_rows

LIMIT = SloSettings(max_ms=300)


def charts_of(calls: list[dict[str, Any]], rounds: tuple[RoundState, ...] = ()) -> dict[str, Chart]:
    """Return the charts of some calls with a limit, by the end of their names."""
    cells = cells_of(calls_table(*calls))
    found = summary(latency=latency_rows(cells, LatencySettings(slo=LIMIT)), datasets=["d"])
    drawn = latency_charts(found, answers_of(calls, slo=LIMIT, rounds=rounds), cells)
    return {chart.name.removeprefix("d."): chart for chart in drawn}


TWO = [
    *calls_of("a", 0.1, batch_size=10), *calls_of("a", 0.2, batch_size=50), *calls_of("b", 0.15, batch_size=10),
]  # fmt: skip


def test_each_system_has_a_line_for_the_median_and_one_for_the_tail() -> None:
    """The median is solid and named, the 95th percentile dashed and not, both in milliseconds; the limit is a rule."""
    marks = charts_of(TWO)["latency-by-batch-size"].panels[0].marks
    lines = [(mark.name, mark.dash, mark.named) for mark in marks if isinstance(mark, Line)]
    assert lines == [("a", "solid", True), ("a, p95", "dashed", False)]
    (median, _) = (mark for mark in marks if isinstance(mark, Line))
    assert np.allclose([spot.y for spot in median.spots if spot.y], [100, 200])
    assert [(mark.at, mark.label) for mark in marks if isinstance(mark, Rule)] == [
        (300.0, "p95 limit 300 ms")
    ]


def test_the_distribution_is_at_the_largest_batch_size_that_all_have() -> None:
    """One line for each system, from 0 to 1; each has its percentiles as stops."""
    chart = charts_of(TWO)["latency-distribution"]
    lines = [mark for mark in chart.panels[0].marks if isinstance(mark, Line)]
    assert [line.name for line in lines] == ["a", "b"]
    assert {row["batch_size"] for row in chart.rows} == {10}
    assert all((line.spots[0].y, line.spots[-1].y) == (0.0, 1.0) for line in lines)
    assert ("a", "95% of the calls: at most 100 ms") in [stop.lines for stop in stops_of(chart)]
    assert len(stops_of(chart)) == 8


def test_details_are_folded() -> None:
    """The timeline and the distributions by batch size are for those who look into the measurement."""
    folded = {name for name, chart in charts_of(TWO).items() if chart.folded}
    assert folded == {"latency-timeline", "a.latency-spread", "b.latency-spread"}


def test_the_reference_workload_is_relative_to_its_median() -> None:
    """The machine's own speed is a line of one level for each round."""
    rounds = tuple(
        RoundState("d", number, 0.01 * (1 + (number == 2)), None, None, None) for number in range(6)
    )
    marks = charts_of(calls_of("a", 0.1), rounds)["latency-timeline"].panels[0].marks
    (line,) = (mark for mark in marks if isinstance(mark, Line))
    assert {spot.y for spot in line.spots if spot.y is not None} == {1.0, 2.0}


def test_throughput_marks_the_knee() -> None:
    """Each number of calls in flight is a point with that number; the knee is hollow."""
    chart = charts_of([call for flight in (1, 2, 4) for call in served(flight, 0.1)])[
        "throughput-against-latency"
    ]
    median = next(mark for mark in chart.panels[0].marks if isinstance(mark, Line))
    assert [spot.label for spot in median.spots] == ["1", "2", "4"]
    assert [spot.filled for spot in median.spots].count(False) == 1


def test_response_times_are_by_rate() -> None:
    """Calls that arrive at a rate have a chart of their own, with x the rate."""
    calls = [
        call for rate in (2.0, 5.0) for call in calls_of("a", 0.1, concurrency=None, rate_per_s=rate, round=0)
    ]
    chart = charts_of(calls)["response-times"]
    median = next(mark for mark in chart.panels[0].marks if isinstance(mark, Line))
    assert [spot.x for spot in median.spots] == [2.0, 5.0]


def test_without_timed_calls_there_is_no_chart() -> None:
    """A result without a latency pass has none of these charts."""
    assert charts_of([]) == {}
