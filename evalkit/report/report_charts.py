"""All charts of a report, by the section that shows them."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.charts.chart import Chart
from evalkit.report.calibration import reliability_charts
from evalkit.report.chart_parts import roles_of
from evalkit.report.depth_charts import depth_charts, sweep_charts
from evalkit.report.difference_charts import change_charts, difference_charts
from evalkit.report.latency_charts import latency_charts
from evalkit.report.sections import Findings
from evalkit.report.thresholds import threshold_charts
from evalkit.report.tradeoffs import tradeoff_charts
from evalkit.report.width_by_people import width_charts
from evalkit.results.timed_calls import CellCalls

FILES_ONLY = "files"
"""Key of the charts that are written as files and shown in no section."""


def report_charts(found: Findings, timed: Sequence[CellCalls]) -> dict[str, list[Chart]]:
    """Return key of a section -> its charts; those under `FILES_ONLY` are in no section."""
    summary, tuned = found.summary, found.tuned
    roles = roles_of(summary)
    return {
        "sample": width_charts(found.compared, roles),
        "trade-off": tradeoff_charts(summary, tuned, found.latency),
        "depth": depth_charts(summary, tuned),
        "latency": latency_charts(summary, found.latency, timed),
        "thresholds": [*threshold_charts(tuned.threshold), *reliability_charts(tuned.calibration)],
        "queries": change_charts(found.compared),
        FILES_ONLY: [*difference_charts(found.compared, roles), *sweep_charts(tuned.depth, roles)],
    }
