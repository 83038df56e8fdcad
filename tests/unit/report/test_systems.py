"""The systems of a dataset side by side: means of one column are of the same queries."""

from __future__ import annotations

from dataclasses import replace

from support.documents import comparison, comparisons

from evalkit.comparison.plan import INCOMPLETE, Corrected
from evalkit.report.comparison import comparison_tables
from evalkit.report.systems import OTHER_QUERIES, system_rows, systems_table
from evalkit.stats import Interval

CORRECTED = comparison("x", n=60, corrected=Corrected("luna", 60, 140, 0.5))
OTHERS = comparison("y", INCOMPLETE, n=190, contender_mean=0.9)


def test_a_mean_of_other_queries_than_the_baselines_is_not_shown() -> None:
    """Where the baseline's mean is corrected, a system without a correction has its difference alone."""
    found = comparisons(CORRECTED, OTHERS)
    entry = replace(found.datasets[0], baseline_mean=Interval(0.4, 0.3, 0.5, 60))
    found = replace(found, datasets=(entry,))
    rows = {row.system: row for row in system_rows(entry, found, None)}
    assert [rows[name].mean for name in ("x", "bm25", "y")] == [0.5, 0.4, None]
    assert rows["y"].difference is not None
    note = systems_table("d", found, list(rows.values())).note
    assert "corrected, for all 200 queries that people or the judge graded" in note
    assert OTHER_QUERIES in note
    (table,) = comparison_tables(found)
    assert next(row for row in table.rows if row[0] == "y")[2] == "-"
    assert OTHER_QUERIES in table.note


def test_means_without_a_correction_are_shown_as_they_are() -> None:
    """No system of the dataset is corrected: all means are of the same grades."""
    found = comparisons(OTHERS)
    rows = system_rows(found.datasets[0], found, None)
    assert [row.mean for row in rows] == [0.9, 0.4]
    assert "Means and differences" not in systems_table("d", found, rows).note
