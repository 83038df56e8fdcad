"""Clusters of queries."""

from __future__ import annotations

from evalkit.comparison.comparison_set import QueryClusters
from evalkit.records import Query


def test_clusters_are_queries_with_equal_texts_or_equal_fields() -> None:
    """By text unless a field is named; queries without a value, and unknown ones, are alone."""
    queries = {
        "1": Query("1", "same text", {"user": "u"}),
        "2": Query("2", " Same  text ", {"user": ""}),
        "3": Query("3", "other", {"user": "u"}),
    }
    assert QueryClusters.of_queries(queries, None).of(["1", "2", "3", "4"]).tolist() == [0, 0, 1, 2]  # type: ignore[union-attr]
    assert QueryClusters.of_queries(queries, "user").of(["1", "2", "3"]).tolist() == [0, 1, 0]  # type: ignore[union-attr]
    assert QueryClusters.of_queries(queries, None).of(["1", "3"]) is None
    assert QueryClusters().of(["1", "2"]) is None


def test_one_text_with_two_instructions_is_one_cluster() -> None:
    """Its values are not independent: what is easy to find for the text is so under both instructions."""
    queries = {
        "1-og": Query("1-og", "battery", instruction="Anything counts."),
        "1-changed": Query("1-changed", "battery", instruction="Only manuals count."),
        "2-og": Query("2-og", "charger", instruction="Anything counts."),
    }
    assert QueryClusters.of_queries(queries, None).of(list(queries)).tolist() == [0, 0, 1]  # type: ignore[union-attr]
