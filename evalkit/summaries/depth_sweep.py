"""Every depth of a reranker: quality, ceiling, losses, latency, cost; and which to choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.metrics import evaluate, parse_metrics
from evalkit.metrics.sweep import DepthValues, sweep_depths
from evalkit.records import Run
from evalkit.results.summary_document import Summary
from evalkit.results.tuning_document import DepthRow, DepthSweep
from evalkit.stats import mean_interval, none_if_nan
from evalkit.tuning import Limits, choose_depth, split_queries
from evalkit.tuning.depth_choice import Costs, interpolated


@dataclass(frozen=True, slots=True)
class DepthQuestion:
    """What is asked of a sweep.

    Attributes
    ----------
    metric
        The result's primary metric where None.
    margin
        A loss that does not matter; the configuration's where None.
    limits
        What a depth must keep to.
    """

    metric: str | None = None
    margin: float | None = None
    limits: Limits = field(default_factory=Limits)


def sweep(
    comparison_set: ComparisonSet, tag: str, plan: Plan, summary: Summary, question: DepthQuestion
) -> DepthSweep:
    """Return every depth of one reranker on one dataset, and which to choose.

    Parameters
    ----------
    comparison_set
        The dataset at the deepest depth.
    tag
        A pointwise reranker.
    plan
        Names primary metric, margin and seed.
    summary
        ``summary.json``: latencies and costs.
    question
        What is asked.
    """
    metric = question.metric or plan.primary
    margin = question.margin or plan.margin
    deepest = comparison_set.depth or 1
    swept, ideal, recall = _swept(comparison_set, tag, metric, deepest)
    first_stage = comparison_set.first_stage or Run.from_rows("", [], [], [])
    own = evaluate(first_stage, comparison_set.qrels, parse_metrics([metric])).of(metric)
    costs = known_costs(summary, comparison_set, tag)
    split = split_queries(len(swept.query_ids), plan.seed)
    values = swept.of(metric)
    measured = _latency(summary, comparison_set.dataset, tag)
    return DepthSweep(
        dataset=comparison_set.dataset,
        reranker=tag,
        metric=metric,
        margin=margin,
        limits=question.limits,
        queries=len(swept.query_ids),
        first_stage=mean_interval(own),
        rows=tuple(_rows(values, ideal, recall, costs, measured)),
        choice=choose_depth(values, own, split, costs, question.limits, margin, metric=metric),
    )


def _swept(
    comparison_set: ComparisonSet, tag: str, metric: str, deepest: int
) -> tuple[DepthValues, NDArray[np.float64], NDArray[np.float64]]:
    """Return the reranker's values, those of the best order, and the recall, at every depth."""
    first_stage = comparison_set.first_stage or Run.from_rows("", [], [], [])
    rows = [(q, d, float(comparison_set.qrels.of(q).get(d, 0))) for q, docs, _ in first_stage for d in docs]
    best = Run.from_rows("best", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])
    parsed = parse_metrics([metric])
    ideal = sweep_depths(first_stage, best, comparison_set.qrels, parsed, deepest)
    among = parse_metrics([f"R@{deepest}"])
    recall = sweep_depths(first_stage, best, comparison_set.qrels, among, deepest)
    reranked = sweep_depths(
        first_stage, comparison_set.systems[tag].run, comparison_set.qrels, parsed, deepest
    )
    return reranked, ideal.of(metric), recall.values[0]


def _rows(
    values: NDArray[np.float64],
    ideal: NDArray[np.float64],
    recall: NDArray[np.float64],
    costs: Costs,
    measured: Mapping[int, float],
) -> Iterator[DepthRow]:
    for index in range(values.shape[1]):
        mean = mean_interval(values[:, index])
        oracle = float(ideal[:, index].mean()) if len(ideal) else None
        lost = None if oracle is None or mean.estimate is None else oracle - mean.estimate
        yield DepthRow(
            depth=index + 1,
            mean=mean,
            to_deepest=mean_interval(values[:, index] - values[:, -1]),
            recall=float(recall[:, index].mean()) if len(recall) else None,
            oracle=oracle,
            # What the candidates lack, and what the reranker loses of what they allow.
            retrieval_loss=None if oracle is None else 1 - oracle,
            ranking_loss=lost,
            p95_s=none_if_nan(costs.p95_s[index]),
            p95_measured=index + 1 in measured,
            usd_per_thousand_queries=none_if_nan(costs.usd_per_thousand_queries[index]),
        )


def known_costs(summary: Summary, comparison_set: ComparisonSet, tag: str) -> Costs:
    """Return latency and cost of every depth, NaN where the result does not show them."""
    deepest = comparison_set.depth or 1
    latency = interpolated(_latency(summary, comparison_set.dataset, tag), deepest)
    return Costs(latency, _costs(summary, comparison_set, tag, deepest))


def _latency(summary: Summary, dataset: str, tag: str) -> dict[int, float]:
    """Return batch size -> 95th percentile in seconds, one call in flight; where there are enough calls for it."""
    return {
        size: row.p95_s.estimate
        for size, row in summary.alone(dataset, tag).items()
        if row.p95_s.estimate is not None
    }


def _costs(summary: Summary, comparison_set: ComparisonSet, tag: str, deepest: int) -> NDArray[np.float64]:
    """Return ``(deepest,)`` costs of a thousand queries: in proportion to the pairs, or to the requests."""
    row = summary.cost_of(comparison_set.dataset, tag)
    if row is None or row.usd_per_thousand_queries is None or comparison_set.first_stage is None:
        return np.full(deepest, np.nan)
    if (row.price or {}).get("usd_per_thousand_requests") is not None:
        return np.full(deepest, row.usd_per_thousand_queries)
    lengths = np.array([len(docs) for _, docs, _ in comparison_set.first_stage])
    pairs = np.array([np.minimum(lengths, depth).sum() for depth in range(1, deepest + 1)])
    return np.asarray(row.usd_per_thousand_queries * pairs / pairs[-1], dtype=np.float64)
