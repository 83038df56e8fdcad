"""Which queries are not independent: those with equal texts, or with one value of a field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evalkit.records import Query
from evalkit.stats import Clusters
from evalkit.text_analysis import normal_form


@dataclass(frozen=True, slots=True, eq=False)
class QueryClusters:
    """Which queries are not independent.

    Attributes
    ----------
    labels
        Query id -> label of its cluster; without the queries that are alone.
    """

    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_queries(cls, queries: Mapping[str, Query], by: str | None) -> QueryClusters:
        """Return the clusters of queries with the same value of a field; None takes their texts, ignoring case.

        Queries without a value are alone.
        """
        labels = {
            query_id: normal_form(query.text) if by is None else query.fields.get(by, "")
            for query_id, query in queries.items()
        }
        sizes = Counter(labels.values())
        return cls({query_id: label for query_id, label in labels.items() if label and sizes[label] > 1})

    def groups(self, query_ids: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the ids of each cluster, sorted; a query that is alone is a group of its own."""
        found: dict[tuple[str, bool], list[str]] = {}
        for query_id in sorted(query_ids):
            label = (self.labels.get(query_id, query_id), query_id in self.labels)
            found.setdefault(label, []).append(query_id)
        return [tuple(members) for members in found.values()]

    def of(self, query_ids: Sequence[str]) -> Clusters | None:
        """Return the ``(n,)`` cluster of each query; None if each is a cluster of its own."""
        numbers: dict[tuple[str, bool], int] = {}
        found = [
            numbers.setdefault((self.labels.get(query_id, query_id), query_id in self.labels), len(numbers))
            for query_id in (query_ids if self.labels else ())
        ]
        return np.array(found, dtype=np.int64) if len(numbers) < len(found) else None
