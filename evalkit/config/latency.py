"""The `latency:` block: batch sizes, load and limits of the latency pass; and latency claims of vendors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from evalkit.config.settings import Concurrency, Positive, PositiveInt, Settings

Inside = Annotated[float, Field(gt=0.0, lt=1.0)]

_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?(?:\s+(?:documents?|docs?))?")
_LIMIT = re.compile(r"(?:<=?\s*)?(\d+(?:\.\d+)?)\s*(ms|s)")


class OfflineSettings(Settings):
    """Capacity test: throughput with an increasing number of concurrent calls.

    Attributes
    ----------
    concurrency
        Numbers of concurrent calls to measure.
    batch_size
        Documents per call (default: the largest of ``batch_sizes``).
    """

    concurrency: Annotated[tuple[Concurrency, ...], Field(min_length=1)] = (1, 2, 4, 8)
    batch_size: PositiveInt | None = None


class ServerSettings(Settings):
    """Load test: calls arrive at random times (Poisson process), regardless of calls in flight.

    Rates increase until response times keep growing or the ``slo`` fails.

    Attributes
    ----------
    rates_per_s
        Arrival rates, in calls per second.
    shares
        Instead of rates: shares of the capacity, which is measured first.
    calls
        Calls per rate (default: ``latency.calls``). Above half of the capacity, a ``slo`` needs 500 calls to pass.
    batch_size
        Documents per call (default: the largest of ``batch_sizes``).
    """

    rates_per_s: Annotated[tuple[Positive, ...], Field(min_length=1)] | None = None
    shares: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.3, 0.5, 0.7, 0.9)
    calls: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    batch_size: PositiveInt | None = None


class SloSettings(Settings):
    """Latency objective: ``quantile`` 0.95 and ``max_ms`` 300 require 95 % of calls within 300 ms.

    Batch sizes and rates are tested in ascending order. The test stops at the first that does not pass.

    Attributes
    ----------
    max_ms
        Maximum latency.
    quantile
        Share of calls that must be within ``max_ms``.
    """

    max_ms: Positive
    quantile: Inside = 0.95


class LatencySettings(Settings):
    """Settings of the latency pass.

    The minimum is 6 rounds: fewer give no 95 % confidence interval of a median. More rounds give narrower
    intervals, because calls of the same round are not independent.

    Attributes
    ----------
    batch_sizes
        Documents per call.
    concurrency
        Numbers of concurrent calls (closed loop).
    length_buckets
        3 repeats all measurements with short, medium and long documents (thirds of the collection).
    calls
        Timed calls per measurement. Each call has its own query, so fewer queries give fewer calls.
    rounds
        Rounds, interleaved over all measurements. More rounds give narrower intervals if rounds differ.
    warmup
        Minimum warm-up calls. Warm-up continues until three calls in a row are within 10 % of each other, or the
        last five are no faster than the five before them (maximum: 30).
    repeat_queries
        ``true``: a query can be repeated in another round. Intervals are then bootstrapped over queries.
    confidence
        Confidence level of intervals and of PASS and FAIL.
    offline
        Capacity test. Enable it with ``{}`` or ``evalkit bench --scenario offline``.
    server
        Load test. Enable it with ``{}`` or ``evalkit bench --scenario server``.
    slo
        Latency objective. The report shows the largest batch size and rate that meet it.
    """

    batch_sizes: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1, 10, 20, 50, 100)
    concurrency: Annotated[tuple[Concurrency, ...], Field(min_length=1)] = (1,)
    length_buckets: Annotated[int, Field(ge=1, le=10)] = 1
    calls: Annotated[int, Field(ge=1, le=1_000_000)] = 120
    rounds: Annotated[int, Field(ge=6, le=1_000)] = 10
    warmup: Annotated[int, Field(ge=1, le=100_000)] = 5
    repeat_queries: bool = False
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    offline: OfflineSettings | None = None
    server: ServerSettings | None = None
    slo: SloSettings | None = None

    def capacity(self) -> OfflineSettings | None:
        """Return how to measure capacity: as configured, or by default if the load is given as shares of it."""
        if self.offline is None and self.server is not None and self.server.rates_per_s is None:
            return OfflineSettings(batch_size=self.server.batch_size)
        return self.offline

    def all_batch_sizes(self) -> set[int]:
        """Return the batch sizes of all scenarios."""
        extra = (self.offline and self.offline.batch_size, self.server and self.server.batch_size)
        return {*self.batch_sizes, *(size for size in extra if size)}


@dataclass(frozen=True, slots=True)
class Claim:
    """A vendor's claim: calls with `fewest` to `most` documents take at most `limit_s` seconds.

    Attributes
    ----------
    text
        The claim as configured.
    """

    text: str
    fewest: int
    most: int
    limit_s: float


def read_claim(documents: str, limit: str) -> Claim:
    """Parse a claim, for example ``10-20 documents`` and ``100ms``.

    Raises
    ------
    ValueError
        If `documents` is not a number or a range, `limit` is not a time with a unit, or either is not positive.
    """
    count_match, time_match = _RANGE.fullmatch(documents.strip()), _LIMIT.fullmatch(limit.strip())
    if count_match is None:
        raise ValueError(f"{documents!r} is not a number of documents, such as '10-20 documents' or '50'")
    if time_match is None:
        raise ValueError(f"{limit!r} is not a time with a unit, such as '100ms' or '0.3 s'")
    fewest = int(count_match[1])
    most = int(count_match[2] or fewest)
    limit_s = float(time_match[1]) * (0.001 if time_match[2] == "ms" else 1.0)
    if not (0 < fewest <= most and limit_s > 0):
        raise ValueError(f"'{documents}: {limit}' needs positive numbers, smaller first")
    return Claim(f"{documents.strip()}: {limit.strip()}", fewest, most, limit_s)
