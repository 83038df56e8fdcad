"""Rows of ``summary.json`` on cascades: latency and cost composed of their stages, and how often stages are skipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from evalkit.results.json_shapes import JsonObject, Key, Mean
from evalkit.stats import Interval


@dataclass(frozen=True, slots=True)
class ComposedLatency:
    """A quantile of a cascade's latency in seconds, with one call in flight.

    Attributes
    ----------
    composed
        Of sums of timed calls of the stages; without estimate where they are too few.
    timed
        Of timed calls of the whole cascade; None where it was not timed.
    """

    composed: Interval
    timed: Interval | None


@dataclass(frozen=True, slots=True)
class CascadeRow(JsonObject):
    """One cascade on one dataset, at the deepest depth.

    Attributes
    ----------
    p50_s, p95_s
        Latency; None where it cannot be composed, and `latency_unknown` is the reason.
    usd_per_thousand_queries
        Cost of the first stage at the depth, and of the later stages for the documents and queries that reach them;
        None where a stage's cost is not known.
    skipped
        Share of the queries for which the later stages are skipped; None for a cascade without ``skip``.
    """

    dataset: str
    reranker: str
    depth: int
    p50_s: ComposedLatency | None
    p95_s: ComposedLatency | None
    usd_per_thousand_queries: float | None
    skipped: Annotated[Mean | None, Key(omit_none=True)] = None
    latency_unknown: Annotated[str | None, Key(omit_none=True)] = None


def find_cascade(rows: Iterable[CascadeRow] | None, dataset: str, reranker: str) -> CascadeRow | None:
    """Return the row of a cascade; None for other rerankers."""
    return next((row for row in rows or () if (row.dataset, row.reranker) == (dataset, reranker)), None)
