"""Which queries are not independent."""

from __future__ import annotations

from evalkit.query_clusters import QueryClusters
from evalkit.records import Query


def test_groups_hold_every_query_once() -> None:
    """Equal texts are a group, whatever their case; a query whose id is such a text is not in it."""
    texts = {"b": "a cat", "a": "A  cat", "a cat": "a dog", "c": "a bird"}
    queries = {query_id: Query(query_id, text) for query_id, text in texts.items()}
    groups = QueryClusters.of_queries(queries, None).groups([*texts])
    assert groups == [("a", "b"), ("a cat",), ("c",)]


def test_groups_follow_a_field() -> None:
    """Queries with one value of the field are a group; those without a value are alone."""
    fields = {"q1": {"user": "u"}, "q2": {"user": "u"}, "q3": {"user": ""}, "q4": {"user": ""}}
    queries = {query_id: Query(query_id, "text", values) for query_id, values in fields.items()}
    groups = QueryClusters.of_queries(queries, "user").groups([*fields])
    assert groups == [("q1", "q2"), ("q3",), ("q4",)]
