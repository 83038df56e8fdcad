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
