"""Documents of a result folder, built by hand: what a test does not name has a plain value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evalkit.comparison import Comparison, Plan
from evalkit.latency.billing import Billing
from evalkit.results.billing_rows import BillingRow, CallCost, CostRow
from evalkit.results.comparison_document import Comparisons, DatasetComparisons
from evalkit.results.latency_quantiles import Quantile
from evalkit.results.manifest import CandidateLists, Failure
from evalkit.results.summary_document import DatasetSummary, LatencyParts, LatencyRow, QualityRow, Summary
from evalkit.results.tuning_document import DepthRow, DepthSweep, Tuning
from evalkit.stats import Interval
from evalkit.tuning import Choice, Limits

NO_INTERVAL = Interval(None, None, None, 0)


def comparison(contender: str = "x", verdict: str = "better", **changes: Any) -> Comparison:
    """Return one contender against bm25 on nDCG@10."""
    fields: dict[str, Any] = {
        "dataset": "d", "metric": "nDCG@10", "baseline": "bm25", "contender": contender, "n": 300, "left_out": 0,
        "baseline_mean": 0.4, "contender_mean": 0.5, "difference": 0.041, "lower": 0.028, "upper": 0.054, "p": 0.01,
        "p_adjusted": 0.01, "p_t": 0.01, "fragile": False, "wins": 1, "ties": 0, "losses": 0, "deviation": 0.1,
        "effect": 0.4, "detectable": 0.02, "needed": 100, "verdict": verdict,
    }  # fmt: skip
    return Comparison(**fields | changes)


def comparisons(
    *contenders: Comparison,
    tied: Mapping[str, Sequence[str]] | None = None,
    dataset: str = "d",
    pooled: Sequence[Comparison] = (),
) -> Comparisons:
    """Return the comparisons of one dataset at depth 50."""
    tied_with = {name: tuple(others) for name, others in (tied or {}).items()}
    entry = DatasetComparisons(dataset, 50, {}, contenders, tied_with, (), (), (), {})
    return Comparisons(Plan("bm25", "nDCG@10"), (entry,), tuple(pooled))


def quality(reranker: str, depth: int, mean: float, half_width: float | None = 0.1) -> QualityRow:
    """Return the mean nDCG@10 of a reranker over 50 queries, with an interval of twice `half_width`."""
    bounds = (None, None) if half_width is None else (mean - half_width, mean + half_width)
    return QualityRow("d", reranker, depth, "nDCG@10", Interval(mean, *bounds, 50), 0, None, None)


def timed(
    reranker: str, batch_size: int, p50_s: float, p95_s: float | None = None, n: int = 60
) -> LatencyRow:
    """Return the calls of a reranker with one call in flight; bounds of quantiles lie 10 % below and 20 % above."""
    none = Quantile(NO_INTERVAL, 1)

    def quantile(seconds: float | None) -> Quantile:
        bounds = (None, None) if seconds is None else (0.9 * seconds, 1.2 * seconds)
        return Quantile(Interval(seconds, *bounds, n), 1)

    return LatencyRow(
        dataset="d", reranker=reranker, scenario="single_stream", loop="closed", batch_size=batch_size, concurrency=1,
        length_bucket=None, rate_per_s=None, characters_per_document=None, confidence=0.95, asked=n, calls=n,
        queries=n, failed=0, retried=0, filled_calls=0, connections_opened=None, max_s=None, p50_s=quantile(p50_s),
        p90_s=none, p95_s=quantile(p95_s), p99_s=none, calls_per_s=NO_INTERVAL, documents_per_s=NO_INTERVAL,
        tokens_per_s=None, parts=LatencyParts(*[None] * 6), warmup_calls=0, first_call_s=None, flags=(),
    )  # fmt: skip


def cost(reranker: str, queries: int, documents: int, usd_per_thousand_queries: float = 0.04) -> CostRow:
    """Return the cost of a quality pass."""
    return CostRow("d", reranker, None, queries, documents, None, usd_per_thousand_queries, 0)


def billed(
    reranker: str, billing: Billing, most_documents: int | None = None, *timed_calls: CallCost
) -> BillingRow:
    """Return how the calls of a reranker are billed."""
    return BillingRow("d", reranker, billing, most_documents, timed_calls)


def summary(
    rows: Iterable[QualityRow] = (),
    latency: Iterable[LatencyRow] = (),
    costs: Iterable[CostRow] = (),
    datasets: Iterable[str] = (),
    billing: Iterable[BillingRow] = (),
) -> Summary:
    """Return a complete summary with bm25 as the first stage."""
    known = tuple(
        DatasetSummary(name, "demo", "", None, "en", "", {}, CandidateLists(0, 0, 0), 0, {})
        for name in datasets
    )
    return Summary(
        "test", "complete", "bm25", "nDCG@10", 0.95, known, tuple(rows), (), (), (), tuple(costs), (),
        tuple(latency), tuple(billing),
    )  # fmt: skip


def sweep(reranker: str, costs: Sequence[float | None] = (None,), choice: Choice | None = None) -> DepthSweep:
    """Return the sweep of a reranker: one depth for each cost, from 1 on."""
    rows = tuple(
        DepthRow(depth, NO_INTERVAL, NO_INTERVAL, None, None, None, None, None, False, usd)
        for depth, usd in enumerate(costs, start=1)
    )
    chosen = choice or Choice(0, None, None, "not asked")
    return DepthSweep("d", reranker, "nDCG@10", 0.01, Limits(), 0, NO_INTERVAL, rows, chosen)


def tuning(*sweeps: DepthSweep) -> Tuning:
    """Return sweeps without thresholds and calibrations."""
    return Tuning(sweeps, (), ())


def failure(**changes: Any) -> Failure:
    """Return a call of the quality pass that timed out."""
    fields: dict[str, Any] = {
        "dataset": "d", "reranker": "r", "query_id": "q", "pass_": "quality", "batch_size": 1, "attempt": 1,
        "status": "failed", "kind": "timeout", "message": "no answer", "hint": None, "http_status": None, "body": None,
    }  # fmt: skip
    return Failure(**fields | changes)
