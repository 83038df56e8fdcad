"""The `latency:` block: batch sizes, load and limits of the latency pass; and latency claims of vendors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from evalkit.config.settings import PositiveInt, Settings

Positive = Annotated[float, Field(gt=0)]
Inside = Annotated[float, Field(gt=0.0, lt=1.0)]

_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?(?:\s+(?:documents?|docs?))?")
_LIMIT = re.compile(r"(?:<=?\s*)?(\d+(?:\.\d+)?)\s*(ms|s)")


class OfflineSettings(Settings):
    """Capacity: more and more calls are kept in flight.

    Attributes
    ----------
    concurrency
        Calls in flight, one cell each.
    batch_size
        Documents per call; the largest of ``batch_sizes`` where absent.
    """

    concurrency: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1, 2, 4, 8)
    batch_size: PositiveInt | None = None


class ServerSettings(Settings):
    """Load: calls arrive at random times (a Poisson process), whether or not earlier ones are back.

    Rates go up until one is too much: response times keep growing, or the ``slo`` is broken beyond doubt.

    Attributes
    ----------
    rates_per_s
        Arrivals per second.
    shares
        Where no rates are given: of the capacity that is then measured first.
    calls
        Per rate; ``latency.calls`` where absent. Above half of the capacity a ``slo`` needs 500 to pass.
    batch_size
        Documents per call; the largest of ``batch_sizes`` where absent.
    """

    rates_per_s: Annotated[tuple[Positive, ...], Field(min_length=1)] | None = None
    shares: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.3, 0.5, 0.7, 0.9)
    calls: PositiveInt | None = None
    batch_size: PositiveInt | None = None


class SloSettings(Settings):
    """A limit that a share of all calls must keep: ``quantile`` 0.95 and ``max_ms`` 300 mean 95 % within 300 ms.

    Batch sizes and rates are tested in ascending order, up to the first that does not pass.

    Attributes
    ----------
    max_ms
        The longest that a call may take.
    quantile
        The share of calls that must take no longer.
    """

    max_ms: Positive
    quantile: Inside = 0.95


class LatencySettings(Settings):
    """The latency pass: which batches are timed, how often, in which rounds.

    At least 6 rounds, because the smallest and largest of fewer round medians do not bound a median at 95 %. Calls
    of one round are not independent: the width of an interval depends on the number of rounds, too.

    Attributes
    ----------
    batch_sizes
        Documents per call.
    concurrency
        Calls kept in flight (closed loops).
    length_buckets
        3 repeats the grid with short, middle and long documents, thirds of the collection.
    calls
        Timed calls of every cell, each with a query of its own: with fewer queries there are fewer.
    rounds
        They are interleaved over all cells; more rounds make intervals narrower where rounds differ.
    warmup
        Calls that do not count, at least: they go on until three in a row are within 10 % of each other, or the last
        five no faster than the five before; 30 at most.
    repeat_queries
        ``true``: a query may come again, in another round; intervals are then bootstrapped over queries.
    confidence
        Of intervals, and of PASS and FAIL.
    offline
        Capacity: asked for with ``{}``, or by ``evalkit bench --scenario offline``.
    server
        A load: asked for with ``{}``, or by ``evalkit bench --scenario server``.
    slo
        A limit: which batch and which rate keep it.
    """

    batch_sizes: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1, 10, 20, 50, 100)
    concurrency: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1,)
    length_buckets: Annotated[int, Field(ge=1, le=10)] = 1
    calls: PositiveInt = 120
    rounds: Annotated[int, Field(ge=6)] = 10
    warmup: PositiveInt = 5
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
        raise ValueError(f"{documents!r} is no number of documents, like '10-20 documents' or '50'")
    if time_match is None:
        raise ValueError(f"{limit!r} is no time with its unit, like '100ms' or '0.3 s'")
    fewest = int(count_match[1])
    most = int(count_match[2] or fewest)
    limit_s = float(time_match[1]) * (0.001 if time_match[2] == "ms" else 1.0)
    if not (0 < fewest <= most and limit_s > 0):
        raise ValueError(f"'{documents}: {limit}' promises nothing")
    return Claim(f"{documents.strip()}: {limit.strip()}", fewest, most, limit_s)
