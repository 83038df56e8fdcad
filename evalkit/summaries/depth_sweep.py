"""Every depth of a reranker: quality, ceiling, losses, latency, cost; and which to choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.metrics import evaluate, parse_metrics
from evalkit.metrics.sweep import DepthValues, sweep_depths
from evalkit.records import Run
from evalkit.summaries.figures import mean_row, or_none
from evalkit.summaries.latency_cells import plain
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
    comparison_set: ComparisonSet, tag: str, plan: Plan, summary: Mapping[str, Any], question: DepthQuestion
) -> dict[str, Any]:
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
    measured = _latency(summary, comparison_set.dataset, tag)
    costs = known_costs(summary, comparison_set, tag)
    split = split_queries(len(swept.query_ids), plan.seed)
    choice = choose_depth(swept.of(metric), own, split, costs, question.limits, margin, metric=metric)
    return {
        "dataset": comparison_set.dataset,
        "reranker": tag,
        "metric": metric,
        "margin": margin,
        "limits": asdict(question.limits),
        "queries": len(swept.query_ids),
        "first_stage": mean_row(own),
        "rows": list(_rows(swept.of(metric), ideal, recall, costs, measured)),
        "choice": asdict(choice),
    }


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
) -> Iterator[dict[str, Any]]:
    for index in range(values.shape[1]):
        quality = mean_row(values[:, index])
        oracle = float(ideal[:, index].mean()) if len(ideal) else None
        yield {
            "depth": index + 1,
            **quality,
            "to_deepest": mean_row(values[:, index] - values[:, -1]),
            "recall": float(recall[:, index].mean()) if len(recall) else None,
            "oracle": oracle,
            # What the candidates lack, and what the reranker makes less of than could be made of them.
            "retrieval_loss": None if oracle is None else 1 - oracle,
            "ranking_loss": None if oracle is None else oracle - quality["mean"],
            "p95_s": or_none(costs.p95_s[index]),
            "p95_measured": index + 1 in measured,
            "usd_per_thousand_queries": or_none(costs.usd_per_thousand_queries[index]),
        }


def known_costs(summary: Mapping[str, Any], comparison_set: ComparisonSet, tag: str) -> Costs:
    """Return what every depth takes, as far as the result tells."""
    deepest = comparison_set.depth or 1
    return Costs(
        interpolated(_latency(summary, comparison_set.dataset, tag), deepest),
        _costs(summary, comparison_set, tag, deepest),
    )


def _latency(summary: Mapping[str, Any], dataset: str, tag: str) -> dict[int, float]:
    """Return batch size -> seconds, one call in flight; where the calls could bound it."""
    return {
        row["batch_size"]: row["p95_s"]["estimate"]
        for row in plain(summary["latency"], dataset)
        if (row["reranker"], row["concurrency"]) == (tag, 1) and row["p95_s"]["estimate"] is not None
    }


def _costs(
    summary: Mapping[str, Any], comparison_set: ComparisonSet, tag: str, deepest: int
) -> NDArray[np.float64]:
    """Return what a thousand queries cost at every depth: in proportion to the pairs, or to the requests."""
    rows = summary["costs"]
    row = next((r for r in rows if (r["dataset"], r["reranker"]) == (comparison_set.dataset, tag)), None)
    if row is None or row["usd_per_thousand_queries"] is None or comparison_set.first_stage is None:
        return np.full(deepest, np.nan)
    full = float(row["usd_per_thousand_queries"])
    if (row["price"] or {}).get("usd_per_thousand_requests") is not None:
        return np.full(deepest, full)
    lengths = np.array([len(docs) for _, docs, _ in comparison_set.first_stage])
    pairs = np.array([np.minimum(lengths, depth).sum() for depth in range(1, deepest + 1)])
    return np.asarray(full * pairs / pairs[-1], dtype=np.float64)
