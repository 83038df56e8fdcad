"""Quantiles of latencies: measured ones, and those that the files of compared runs state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from evalkit.latency import Basis, Missing
from evalkit.results.json_shapes import Inline, JsonObject, Key
from evalkit.stats import Interval


@dataclass(frozen=True, slots=True)
class Quantile(JsonObject):
    """A quantile of the latency in seconds.

    Attributes
    ----------
    interval
        Without estimate where the calls are too few for an interval.
    needs
        Calls that an interval takes.
    decided_by
        ``rounds`` where the differences between rounds make the interval wider than single calls alone, else
        ``calls``; None where there is no interval, or a file does not record it.
    missing
        ``calls`` or ``rounds``, where they are too few for an interval; ``harness`` where the load generator was the
        bottleneck.
    """

    interval: Annotated[Interval, Inline.interval("estimate")]
    needs: int
    decided_by: Annotated[Basis | None, Key(omit_none=True)] = None
    missing: Annotated[Missing | None, Key(omit_none=True)] = None

    @property
    def estimate(self) -> float | None:
        """Seconds; None where the calls are too few."""
        return self.interval.estimate


@dataclass(frozen=True, slots=True)
class RunLatency:
    """The latency of a compared run, as its file states it: nothing is known of how it was measured.

    Attributes
    ----------
    queries, queries_unknown
        Queries of the dataset with a latency in the file, and without one.
    """

    dataset: str
    reranker: str
    queries: int
    queries_unknown: int
    p50_s: Quantile
    p95_s: Quantile
