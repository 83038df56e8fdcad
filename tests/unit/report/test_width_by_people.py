"""The half-width of an interval by human-judged queries, as sentence, table and chart of the leading difference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.documents import comparison, comparisons

from evalkit.report.width_by_people import width_charts, width_lines, width_tables
from evalkit.results.comparison_document import Comparisons
from evalkit.results.width_rows import HumanWidths, WidthRow

ROWS = (WidthRow(30, 0.09, 0.08, 0.1, 0.12), WidthRow(40, 0.08, 0.07, 0.09, 0.1))


def compared(for_margin: int | None = None) -> Comparisons:
    """Return two contenders with widths, of which x leads."""
    found = comparisons(comparison("x", contender_mean=0.9), comparison("y", contender_mean=0.1))
    widths = HumanWidths("x", "luna", 40, 120, 0.8, 0.7, 0.9, 0.3, 0.01, for_margin, ROWS)
    entry = replace(found.datasets[0], human_widths=(replace(widths, contender="y"), widths))
    return replace(found, datasets=(entry,))


@pytest.mark.parametrize(
    ("for_margin", "end"),
    [(None, "takes more than all 120 queries."), (75, "takes 75 queries judged by people.")],
)
def test_the_sentence_says_where_people_are(for_margin: int | None, end: str) -> None:
    """The present number with its half-width, with and without the judge, and what the margin takes."""
    (line,) = width_lines(compared(for_margin))
    assert line == (
        "d: people have judged 40 of 120 queries. The expected half-width of the 95 % interval of x minus bm25 is 0.080"
        f" with luna, and 0.100 without a judge. A half-width of the margin, 0.01, {end}"
    )


def test_the_table_marks_the_present_number() -> None:
    """One row for each number, with the bounds of the correlation."""
    (table,) = width_tables(compared())
    assert table.rows == (
        ("30", "0.090 [0.080, 0.100]", "0.120"),
        ("40 (now)", "0.080 [0.070, 0.090]", "0.100"),
    )
    assert "0.80 (0.70 to 0.90) on 40 queries" in table.note


def test_the_chart_has_both_lines_the_margin_and_the_present_number() -> None:
    """And its data as rows of a CSV file."""
    (chart,) = width_charts(compared(), {"x": "system-0"})
    names = [getattr(mark, "label", None) or getattr(mark, "name", "") for mark in chart.panels[0].marks]
    assert names == ["margin 0.01", "now: 40", "without a judge", "with luna"]
    assert [row["human"] for row in chart.rows] == [30, 40]
    assert not chart.is_empty


def test_nothing_is_shown_without_widths() -> None:
    """As where people judged everything."""
    plain = comparisons(comparison("x"))
    assert (width_lines(plain), width_tables(plain), width_charts(plain, {})) == ([], [], [])
