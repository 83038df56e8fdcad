"""Names of columns of judgments."""

from __future__ import annotations

from evalkit.formats.column_names import column_name, compared


def test_names_of_columns_are_compared_without_case_and_hyphens() -> None:
    """The same name is written in many ways."""
    assert column_name("Query-ID") == column_name("query_id") == column_name("query id") == "queryid"


def test_names_that_differ_only_in_writing_are_one() -> None:
    """A set of compared names holds each of them once."""
    assert compared("doc_id", "Doc-ID", " docid ") == {"docid"}
