"""How wide the interval of a difference is by the number of human-judged queries, as sentence, table and chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evalkit.charts.chart import Axis, Chart, Line, Panel, Rule, Spot
from evalkit.file_names import file_part
from evalkit.report.chart_parts import depth_axis
from evalkit.report.table import Table
from evalkit.report.verdict import lead_comparison
from evalkit.results.comparison_document import Comparisons
from evalkit.results.json_shapes import to_plain
from evalkit.results.width_rows import HumanWidths, WidthRow


def _shown(compared: Comparisons) -> Iterator[tuple[str, HumanWidths]]:
    """Yield dataset and widths of the difference that its verdict is about."""
    for entry in compared.datasets:
        lead = lead_comparison(entry)
        for one in entry.human_widths or ():
            if lead is not None and one.contender == lead.contender:
                yield entry.dataset, one


def width_lines(compared: Comparisons) -> list[str]:
    """Return a sentence for each dataset of which people judged a random draw, a judge included."""
    return [f"{dataset}: {_sentence(one, compared.plan.baseline)}" for dataset, one in _shown(compared)]


def _sentence(one: HumanWidths, baseline: str) -> str:
    now = one.now
    first = (
        f"people have judged {one.human} of {one.queries} queries. The expected half-width of the 95 % interval of"
        f" {one.contender} minus {baseline} is {now.half_width:.3f} with {one.judge}, and {now.alone:.3f} without a"
        " judge."
    )
    if one.for_margin is None:
        return (
            f"{first} A half-width of the margin, {one.margin:g}, takes more than all {one.queries} queries."
        )
    return f"{first} A half-width of the margin, {one.margin:g}, takes {one.for_margin} queries judged by people."


def width_tables(compared: Comparisons) -> list[Table]:
    """Return the table of widths of each dataset."""
    return [_table(dataset, one, compared.plan.baseline) for dataset, one in _shown(compared)]


def _table(dataset: str, one: HumanWidths, baseline: str) -> Table:
    rows = tuple((_number(row, one), _with_bounds(row), f"{row.alone:.3f}") for row in one.rows)
    note = (
        f"Expected half-width of the 95 % interval of {one.contender} minus {baseline}, this difference alone. The"
        f" judge grades all {one.queries} queries; in brackets: bounds by the 95 % interval of the correlation of its"
        f" differences with people's, {_correlation(one)}."
    )
    columns = ("queries judged by people", f"half-width with {one.judge}", "half-width without a judge")
    return Table(f"{dataset}: half-width by human-judged queries", columns, rows, note, dataset=dataset)


def _number(row: WidthRow, one: HumanWidths) -> str:
    return f"{row.human} (now)" if row.human == one.human else str(row.human)


def _with_bounds(row: WidthRow) -> str:
    return f"{row.half_width:.3f} [{row.lower:.3f}, {row.upper:.3f}]"


def _correlation(one: HumanWidths) -> str:
    bounds = f"{one.correlation_lower:.2f} to {one.correlation_upper:.2f}"
    return f"{one.correlation:.2f} ({bounds}) on {one.human} queries"


def width_charts(compared: Comparisons, roles: Mapping[str, str]) -> list[Chart]:
    """Return the chart of widths of each dataset."""
    return [_chart(dataset, one, compared, roles[one.contender]) for dataset, one in _shown(compared)]


def _chart(dataset: str, one: HumanWidths, compared: Comparisons, role: str) -> Chart:
    baseline = compared.plan.baseline
    with_judge = tuple(Spot(row.human, row.half_width, row.lower, row.upper) for row in one.rows)
    alone = tuple(Spot(row.human, row.alone) for row in one.rows)
    marks = (
        Rule(one.margin, "y", f"margin {one.margin:g}", "limit", "dashed"),
        Rule(one.human, "x", f"now: {one.human}", "ink", "dotted"),
        Line("without a judge", "baseline", alone, "dashed", dots=True),
        Line(f"with {one.judge}", role, with_judge, bounds="band", dots=True),
    )
    return Chart(
        name=f"{file_part(dataset)}.half-width-by-human-queries",
        title=f"{dataset}: half-width of the interval by human-judged queries",
        caption=(
            f"Expected half-width of the 95 % interval of {one.contender} minus {baseline}; the judge grades all"
            f" {one.queries} queries. Band: the 95 % interval of the judge's correlation with people,"
            f" {_correlation(one)}."
        ),
        x=depth_axis([row.human for row in one.rows], "queries judged by people"),
        panels=(Panel(Axis(f"half-width ({compared.plan.primary})", zero=True), marks),),
        rows=tuple(to_plain(row) for row in one.rows),
        names="above",
        summary=_sentence(one, baseline),
    )
