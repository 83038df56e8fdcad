"""The table of datasets: what is counted of each."""

from __future__ import annotations

from dataclasses import replace

from support.documents import summary

from evalkit.report.quality import data_table

COUNTS = {"documents": 9, "answerable_queries": 4, "unanswerable_queries": 0, "judgments": 8}
SUMMARY = summary(datasets=["d", "e"])
PLAIN, OTHER = (replace(facts, counts=COUNTS) for facts in SUMMARY.datasets)


def test_counts_that_few_datasets_have_are_columns_only_where_one_has_them() -> None:
    """The others have 0 there, and the note says what the count means."""
    plain = data_table(replace(SUMMARY, datasets=(PLAIN, OTHER)))
    excluding = replace(PLAIN, counts={**COUNTS, "excluded_documents": 7, "judgments_without_grade": 8})
    table = data_table(replace(SUMMARY, datasets=(excluding, OTHER)))
    assert plain.columns[-1] == "candidates per query"
    assert table.columns == (*plain.columns, "excluded documents", "judgments without a grade")
    assert [row[-2:] for row in table.rows] == [("7", "8"), ("0", "0")]
    assert "Excluded documents are never candidates of their query" in table.note
    assert "without text" not in table.note
