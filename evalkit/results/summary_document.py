"""``summary.json``: the figures of a report, each with its n and its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from evalkit.comparison.rests_on import RestsOn
from evalkit.judging.audit import Audit
from evalkit.results.billing_rows import BillingRow, CostRow
from evalkit.results.call_totals_row import CallTotals
from evalkit.results.cascade_rows import CascadeRow
from evalkit.results.failure_reasons import FailureReason
from evalkit.results.json_shapes import Document, Inline, JsonObject, Key, Mean
from evalkit.results.judgment_facts import JudgmentFacts
from evalkit.results.latency_quantiles import Quantile, RunLatency
from evalkit.results.manifest import CandidateLists, Status
from evalkit.results.passage_rows import PassageSummary
from evalkit.results.token_budget_rows import TokenBudgetRow
from evalkit.results.width_rows import HumanWidths
from evalkit.stats import Interval

Loop = Literal["closed", "open"]
BEST_ORDER = "best possible order"
"""Tag of the candidates in the order of their grades: no reranker can do better."""


@dataclass(frozen=True, slots=True)
class DatasetSummary(JsonObject):
    """A dataset as a report shows it.

    Attributes
    ----------
    counts
        Name of a count, such as ``documents`` -> number.
    empty_queries
        Queries without candidates: they count as 0.
    queries_not_scored
        Reranker -> queries without scores, where there are any.
    judgments
        Who gave the judgments; None where all are those of the source.
    rests_on
        What the comparisons of its systems rest on; None where nothing was compared.
    human_widths
        How wide intervals are by the number of human-judged queries, as in ``comparisons.json``.
    """

    name: str
    source: str
    location: str
    split: str | None
    language: str
    content_hash: str
    counts: Mapping[str, int]
    candidates: CandidateLists
    empty_queries: int
    queries_not_scored: Mapping[str, int]
    judgments: Annotated[JudgmentFacts | None, Key(omit_none=True)] = None
    rests_on: Annotated[RestsOn | None, Key(omit_none=True)] = None
    human_widths: Annotated[tuple[HumanWidths, ...] | None, Key(omit_none=True)] = None

    @property
    def has_indications(self) -> bool:
        """Whether grades of models are among those that its means rest on: they carry no verdict."""
        return self.judgments is not None and self.judgments.judged_by != "human"


@dataclass(frozen=True, slots=True)
class QualityRow(JsonObject):
    """The mean of one metric for one reranker at one depth.

    Attributes
    ----------
    depth
        Candidates per query; None for a compared run.
    mean
        Over the averaged queries that have scores.
    not_scored
        Queries without scores.
    tied_queries_at_10
        Share of the queries with a tie that touches the first ten ranks; None without queries.
    difference
        Mean paired difference to the first stage; None for the first stage itself.
    """

    dataset: str
    reranker: str
    depth: int | None
    metric: str
    mean: Annotated[Interval, Inline.interval("mean")]
    not_scored: int
    tied_queries_at_10: float | None
    difference: Mean | None


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The best quality that the candidates allow at one depth.

    Attributes
    ----------
    recall
        Share of the relevant documents that are among the candidates.
    best_order
        Metric -> mean value with the reranked candidates in the order of their grades; None for a metric with a budget
        of tokens, for which another order may be better.
    pairs
        Candidates over all queries; None in results of earlier versions.
    """

    dataset: str
    depth: int
    recall: Mean
    best_order: Mapping[str, float | None]
    pairs: int | None = None


@dataclass(frozen=True, slots=True)
class PrecisionCost:
    """The effect of a lower precision, on a sample scored again in fp32.

    Attributes
    ----------
    largest
        Largest difference of a pair's two scores; None without a pair.
    missing
        Why there is no comparison; None where there is one.
    correlation
        Kendall's tau-b of a query's two lists of scores.
    in_fp32
        The metric in fp32.
    difference
        The metric in the lower precision minus in fp32.
    """

    dataset: str
    reranker: str
    precision: str
    metric: str
    largest: float | None
    missing: str | None
    correlation: Mean
    in_fp32: Mean
    difference: Mean


@dataclass(frozen=True, slots=True)
class ServerTimeRow(JsonObject):
    """A time that a server reports about its own work.

    Attributes
    ----------
    name
        Header or key in which it is reported.
    of
        ``request`` for the time of the request, or the name of a part of it.
    median
        Seconds, over the calls that report it.
    """

    dataset: str
    reranker: str
    name: str
    of: str
    pass_: Annotated[str, Key("pass")]
    median: Annotated[
        Interval, Inline({"n": "calls", "estimate": "median_s", "lower": "lower_s", "upper": "upper_s"})
    ]


@dataclass(frozen=True, slots=True)
class LatencyParts:
    """Median seconds of each part of a successful call; None where it is not known.

    Attributes
    ----------
    client
        Writing and reading JSON in this process, and waiting for its threads where a reply's arrival was noted.
    sending, waiting, receiving
        From the first byte sent to the last, to the first byte received, to the last.
    server
        What the server reports for the whole request.
    wire
        Sending, waiting and receiving without the server's time.
    """

    client: float | None
    sending: float | None
    waiting: float | None
    receiving: float | None
    server: float | None
    wire: float | None


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """The timed calls of one reranker under one load.

    Attributes
    ----------
    scenario
        ``single_stream``, ``offline`` or ``server``.
    loop
        ``closed``: the next call follows the previous response; ``open``: calls arrive at a rate.
    concurrency
        Calls in flight; None in an open loop.
    length_bucket
        Which part of the documents, by length; None for all of them.
    rate_per_s
        Arrivals per second; None in a closed loop.
    asked
        Timed calls that the configuration asks for.
    queries
        Different queries among the successful calls.
    retried
        Earlier attempts of the timed calls.
    filled_calls
        Calls whose batch was filled up with other documents of the collection.
    connections_opened
        None where there was no connection.
    calls_per_s, documents_per_s, tokens_per_s
        Throughput with its interval over rounds; tokens are None where a call did not report them.
    first_call_s
        The first warm-up call.
    flags
        Warnings on these calls.
    """

    dataset: str
    reranker: str
    scenario: str
    loop: Loop
    batch_size: int
    concurrency: int | None
    length_bucket: int | None
    rate_per_s: float | None
    characters_per_document: float | None
    confidence: float
    asked: int | None
    calls: int
    queries: int
    failed: int
    retried: int
    filled_calls: int
    connections_opened: int | None
    max_s: float | None
    p50_s: Quantile
    p90_s: Quantile
    p95_s: Quantile
    p99_s: Quantile
    calls_per_s: Mean
    documents_per_s: Mean
    tokens_per_s: Mean | None
    parts: LatencyParts
    warmup_calls: int
    first_call_s: float | None
    flags: tuple[str, ...]

    @property
    def quantiles(self) -> dict[str, Quantile]:
        """Name, such as ``p95`` -> quantile, ascending."""
        return {"p50": self.p50_s, "p90": self.p90_s, "p95": self.p95_s, "p99": self.p99_s}

    @property
    def is_plain(self) -> bool:
        """Whether it is a closed loop over documents of all lengths, as in the quality pass."""
        return self.concurrency is not None and self.length_bucket is None


@dataclass(frozen=True, slots=True)
class Summary(Document, JsonObject):
    """The content of ``summary.json``.

    Attributes
    ----------
    confidence
        Level of the intervals of means.
    quality
        In the order of datasets, systems (the first stage first, compared runs last), depths and metrics.
    ceilings
        By dataset and depth, ascending.
    billing
        Empty in results of earlier versions.
    run_latencies
        Of the compared runs that have a latency file.
    cascades
        Latency and cost of cascades; None without a cascade.
    failures
        Why queries have no scores and timed calls failed; None if nothing failed.
    passages
        By dataset; None where rerankers scored documents.
    token_budgets
        How much of the lists fits into budgets of tokens; None where no metric has a budget.
    audits
        Of models whose judgments a person gave, too, by dataset; None without one.
    """

    VERSION: ClassVar[int] = 2

    name: str
    status: Status
    first_stage: str
    primary_metric: str
    confidence: float
    datasets: tuple[DatasetSummary, ...]
    quality: tuple[QualityRow, ...]
    ceilings: tuple[Ceiling, ...]
    calls: tuple[CallTotals, ...]
    precision: tuple[PrecisionCost, ...]
    costs: tuple[CostRow, ...]
    server_times: tuple[ServerTimeRow, ...]
    latency: tuple[LatencyRow, ...]
    billing: tuple[BillingRow, ...] = ()
    run_latencies: tuple[RunLatency, ...] = ()
    cascades: Annotated[tuple[CascadeRow, ...] | None, Key(omit_none=True)] = None
    failures: Annotated[tuple[FailureReason, ...] | None, Key(omit_none=True)] = None
    passages: Annotated[tuple[PassageSummary, ...] | None, Key(omit_none=True)] = None
    token_budgets: Annotated[tuple[TokenBudgetRow, ...] | None, Key(omit_none=True)] = None
    audits: Annotated[tuple[Audit, ...] | None, Key(omit_none=True)] = None

    def alone(self, dataset: str, reranker: str) -> dict[int, LatencyRow]:
        """Return batch size -> the row of timed calls with one call in flight."""
        return {
            row.batch_size: row
            for row in self.latency
            if (row.dataset, row.reranker, row.concurrency) == (dataset, reranker, 1) and row.is_plain
        }

    def quantiles_alone(self, dataset: str, reranker: str, name: str) -> dict[int, float]:
        """Return batch size -> seconds of a quantile such as ``p95``, with one call in flight.

        Batch sizes with too few calls for the quantile are left out.
        """
        estimates = {
            size: row.quantiles[name].estimate for size, row in self.alone(dataset, reranker).items()
        }
        return {size: seconds for size, seconds in estimates.items() if seconds is not None}

    def cost_of(self, dataset: str, reranker: str) -> CostRow | None:
        """Return the cost of a reranker's quality pass; None where it has none."""
        where = (dataset, reranker)
        return next((row for row in self.costs if (row.dataset, row.reranker) == where), None)

    def run_latency_of(self, dataset: str, run: str) -> RunLatency | None:
        """Return the latency of a compared run; None where it has none."""
        return next(
            (row for row in self.run_latencies if (row.dataset, row.reranker) == (dataset, run)), None
        )

    def billing_of(self, dataset: str, reranker: str) -> BillingRow | None:
        """Return how the calls of a reranker are billed; None where no call has a known cost."""
        where = (dataset, reranker)
        return next((row for row in self.billing if (row.dataset, row.reranker) == where), None)

    def cost_at(self, dataset: str, reranker: str, depth: int) -> float | None:
        """Return US dollars per 1,000 queries at a depth; None if unknown, or if it is the sum of several passes.

        It is the cost of the quality pass, else of timed calls with as many documents.
        """
        depth = self.reached(dataset, depth)
        cost = self.cost_of(dataset, reranker)
        if cost is not None and cost.usd_per_thousand_queries is not None:
            return cost.usd_per_thousand_queries if self._is_one_pass(cost, depth) else None
        row = self.billing_of(dataset, reranker)
        timed, sent = row.timed if row else (), self.sent_at(dataset, depth)
        return next((1000 * call.usd for call in timed if call.documents == sent), None)

    def passages_of(self, dataset: str) -> PassageSummary | None:
        """Return the passages of a dataset; None where rerankers scored documents."""
        return next((one for one in self.passages or () if one.dataset == dataset), None)

    def sent_at(self, dataset: str, depth: int) -> int:
        """Return how many texts a reranker scores for a query at a depth: documents, or passages on average."""
        one = self.passages_of(dataset)
        return depth if one is None or not one.sent else round(one.sent[min(depth, len(one.sent)) - 1])

    def reached(self, dataset: str, depth: int) -> int:
        """Return the most candidates that a query has at a depth: lists may be shorter."""
        longest = next((facts.candidates.longest_list for facts in self.datasets if facts.name == dataset), 0)
        return min(depth, longest or depth)

    def _is_one_pass(self, cost: CostRow, depth: int) -> bool:
        """Return whether a cost is that of one pass over the whole lists, and these are no longer than a depth."""
        passages = self.passages_of(cost.dataset)
        if passages is not None:
            whole = depth >= self.reached(cost.dataset, len(passages.sent))
            return whole and cost.documents <= passages.pairs
        deepest = next((row for row in reversed(self.ceilings) if row.dataset == cost.dataset), None)
        if deepest is None or deepest.pairs is None:
            return cost.documents <= depth * cost.queries
        return depth >= self.reached(cost.dataset, deepest.depth) and cost.documents <= deepest.pairs
