"""Counts with their nouns."""

from __future__ import annotations

from evalkit.plurals import documents_of_queries, number_of, queries_of


def test_one_has_the_singular_and_every_other_number_the_plural() -> None:
    """Also 0; thousands are set apart."""
    assert [queries_of(count) for count in (0, 1, 2, 1200)] == [
        "0 queries",
        "1 query",
        "2 queries",
        "1,200 queries",
    ]
    assert number_of(1, "property", "properties") == "1 property"
    assert documents_of_queries(1, 1) == "1 document of 1 query"
    assert documents_of_queries(3, 2) == "3 documents of 2 queries"
