"""``latency.json``: cost per document, limits, claims, ratios and capacity of timed calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from evalkit.latency import Fit, RoundState
from evalkit.latency.slo import Verdict, VerdictBasis
from evalkit.results.json_shapes import Document, Inline, JsonObject, Key, Mean
from evalkit.results.latency_quantiles import Quantile
from evalkit.stats import Interval


@dataclass(frozen=True, slots=True)
class FitRow(JsonObject):
    """A line through the medians of a reranker's cells; `straight` where it is near all of them."""

    dataset: str
    reranker: str
    fit: Annotated[Fit, Inline.all_of(Fit)]
    straight: bool


@dataclass(frozen=True, slots=True)
class LimitRow(JsonObject):
    """The verdict whether a share `quantile` of all calls takes at most `limit_s` seconds.

    Attributes
    ----------
    rate_per_s
        Arrivals per second; None for one call at a time.
    late
        Share of calls that took longer or failed.
    decided_by
        ``rounds`` where single calls alone give another verdict; ``order`` where a smaller load does not pass;
        ``capacity`` where the rate is too near the capacity for so few calls; ``harness`` where the load generator was
        the bottleneck; else ``calls``. None where nothing was
        measured, or a file does not record it.
    upper_by_rounds_s
        Upper bound of the quantile in seconds, by the differences between rounds; None with too few rounds.
    """

    dataset: str
    reranker: str
    batch_size: int
    rate_per_s: float | None
    limit_s: float
    quantile: float
    verdict: Verdict
    late: Annotated[Interval, Inline.interval("late")]
    decided_by: Annotated[VerdictBasis | None, Key(omit_none=True)] = None
    upper_by_rounds_s: Annotated[float | None, Key(omit_none=True)] = None


@dataclass(frozen=True, slots=True)
class ClaimRow(JsonObject):
    """The verdict on a vendor's claim at one batch size; see `LimitRow`.

    Attributes
    ----------
    route
        How the calls reached the reranker: host, ``loopback`` or ``in this process``.
    batch_size, quantile
        None where no batch size of the claim was timed.
    fewest, most
        Smallest and largest batch size of the claim; None where one was timed.
    """

    dataset: str
    reranker: str
    claim: str
    route: str
    batch_size: int | None
    limit_s: float
    quantile: float | None
    verdict: Verdict
    late: Annotated[Interval, Inline.interval("late")]
    fewest: Annotated[int | None, Key(omit_none=True)] = None
    most: Annotated[int | None, Key(omit_none=True)] = None
    decided_by: Annotated[VerdictBasis | None, Key(omit_none=True)] = None
    upper_by_rounds_s: Annotated[float | None, Key(omit_none=True)] = None


@dataclass(frozen=True, slots=True)
class RatioRow(JsonObject):
    """Latency of a reranker divided by that of the baseline, over interleaved rounds."""

    dataset: str
    baseline: str
    contender: str
    batch_size: int
    concurrency: int | None
    ratio: Annotated[Interval, Inline.interval("ratio")]


@dataclass(frozen=True, slots=True)
class CapacityPoint:
    """Throughput and latency with `concurrency` calls in flight."""

    concurrency: int
    calls_per_s: Mean
    documents_per_s: Mean
    p50_s: Quantile
    p95_s: Quantile


@dataclass(frozen=True, slots=True)
class Capacity:
    """Throughput against latency at one batch size.

    Attributes
    ----------
    knee
        Calls in flight where throughput divided by median latency is largest.
    most
        Calls in flight with the highest throughput.
    """

    dataset: str
    reranker: str
    batch_size: int
    knee: int
    most: int
    points: tuple[CapacityPoint, ...]

    def at(self, concurrency: int) -> CapacityPoint:
        """Return the point with `concurrency` calls in flight."""
        return next(point for point in self.points if point.concurrency == concurrency)


@dataclass(frozen=True, slots=True)
class LatencyCost(JsonObject):
    """The cost of a thousand queries with one call each.

    Attributes
    ----------
    source
        ``calls``: billed amounts; else the price of the machine.
    """

    dataset: str
    reranker: str
    batch_size: int
    concurrency: int | None
    source: str
    usd_per_thousand_queries: Annotated[Interval, Inline.interval("usd_per_thousand_queries")]


@dataclass(frozen=True, slots=True)
class MachineState:
    """The machine during the latency pass: warnings, and its state in each round."""

    flags: tuple[str, ...]
    rounds: tuple[RoundState, ...]


@dataclass(frozen=True, slots=True)
class LatencyAnswers(Document):
    """The content of ``latency.json``; `embedding` names the rerankers that embed texts in each call."""

    VERSION: ClassVar[int] = 1

    confidence: float
    fits: tuple[FitRow, ...]
    limits: tuple[LimitRow, ...]
    claims: tuple[ClaimRow, ...]
    ratios: tuple[RatioRow, ...]
    capacity: tuple[Capacity, ...]
    costs: tuple[LatencyCost, ...]
    machine: MachineState
    embedding: tuple[str, ...]
