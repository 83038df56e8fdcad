"""Clusters of queries."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison.comparison_set import QueryClusters, pair
from evalkit.records import MetricValues, Query


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


@given(
    *[st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([0.0, 0.5, 1.0, np.nan])) for _ in range(2)],
    st.booleans(),
)
def test_values_are_paired_by_query(
    first: dict[str, float], second: dict[str, float], same_queries: bool
) -> None:
    """Queries in any order, missing ones and unknown values, as a lookup of each query pairs them."""
    if same_queries:
        second = {query_id: second.get(query_id, np.nan) for query_id in first}
    found = pair(*(values_of(values) for values in (first, second)), "RR")
    mine, theirs = ({q: v for q, v in one.items() if not np.isnan(v)} for one in (first, second))
    shared = [q for q in mine if q in theirs]
    assert found.query_ids == tuple(shared)
    assert found.baseline.tolist() == [mine[q] for q in shared]
    assert found.contender.tolist() == [theirs[q] for q in shared]
    assert found.left_out == len(mine) + len(theirs) - 2 * len(shared)


def values_of(values: dict[str, float]) -> MetricValues:
    """Return the values of one metric."""
    return MetricValues("s", ("RR",), tuple(values), np.array([*values.values()], dtype=float)[:, None])
