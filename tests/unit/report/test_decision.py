"""The table to decide by, for documents written by hand."""

from __future__ import annotations

import pytest
from support.documents import comparison, comparisons, cost, quality, summary, sweep, timed, tuning

from evalkit.comparison.gate_verdicts import RuleFinding, Status
from evalkit.report.decision import decision_tables
from evalkit.tuning import Choice


@pytest.mark.parametrize(
    ("checked", "enough"), [(None, "20"), ("PASS", "20"), ("CANNOT TELL", "-"), ("FAIL", "-")]
)
def test_the_best_is_the_first_row_with_latency_and_cost(checked: Status | None, enough: str) -> None:
    """Unknown is a dash; a depth is given only where it is the best one, or other queries confirm it."""
    compared = comparisons(comparison("x", difference=0.1, lower=0.05, upper=0.15), tied={"x": ["y"]})
    found = summary(
        [quality("bm25", 50, 0.4, None), quality("x", 50, 0.5, None)],
        [timed("x", 50, 0.1, 0.182)],
        [cost("x", 100, 5000)],
    )
    choice = Choice(50, 50, 20, None, checked=None if checked is None else RuleFinding(checked, ""))
    (table,) = decision_tables(compared, found, tuning(sweep("x", choice=choice)))
    rows = (
        ("x", "better", "y", "0.5000", "+0.1000 [+0.0500, +0.1500]", "100", "182", "$0.0400", enough),
        ("bm25", "baseline", "-", "0.4000", "-", "-", "-", "-", "-"),
    )
    # A column without any value is left out.
    assert table.rows == (rows if enough != "-" else tuple(row[:-1] for row in rows))
    assert ("enough" in table.columns) == (enough != "-")
