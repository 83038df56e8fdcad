"""Sweep of every depth of a reranker: quality, best possible order, losses, latency, cost, and a recommendation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.metrics import evaluate, parse_metric, parse_metrics
from evalkit.metrics.sweep import can_sweep, sweep_depths
from evalkit.results.summary_document import Summary
from evalkit.results.tuning_document import DepthRow, DepthSweep
from evalkit.stats import none_if_nan
from evalkit.summaries.candidate_runs import best_order, candidate_lists, first_stage_run
from evalkit.summaries.depth_basis import depth_basis
from evalkit.summaries.depth_costs import depth_costs, why_unknown
from evalkit.summaries.indicated import indicated_depth
from evalkit.summaries.tuning_labels import depth_labels
from evalkit.tuning import Limits, choose_depth
from evalkit.tuning.depth_choice import Costs, interpolated
from evalkit.tuning.depth_values import DepthValues


@dataclass(frozen=True, slots=True)
class DepthQuestion:
    """Options of a sweep.

    Attributes
    ----------
    metric
        The result's primary metric where None.
    margin
        Largest loss that is accepted; the configured margin where None.
    limits
        Limits of latency, cost and quality for the recommended depth.
    """

    metric: str | None = None
    margin: float | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, eq=False)
class CandidateSweep:
    """What the candidates of one dataset allow at every depth, whatever the reranker is.

    Attributes
    ----------
    comparison_set, metric
        The dataset at the deepest depth, and the metric.
    unranked
        ``(q,)`` values of the first stage's order.
    ideal
        ``(q, d)`` values of the best order of the candidates at depths 1 to d.
    recall
        ``(q, d)`` share of each query's relevant documents among the candidates.
    """

    comparison_set: ComparisonSet
    metric: str
    unranked: NDArray[np.float64]
    ideal: NDArray[np.float64]
    recall: NDArray[np.float64]

    @classmethod
    def of(cls, comparison_set: ComparisonSet, metric: str) -> CandidateSweep:
        """Sweep the candidates of a dataset."""
        deepest, qrels = comparison_set.deepest or 1, comparison_set.qrels
        first_stage, below_depth = first_stage_run(comparison_set), comparison_set.below_depth
        best, parsed = best_order(first_stage, qrels), parse_metrics([metric])
        ideal = sweep_depths(first_stage, best, qrels, parsed, deepest, below_depth)
        # Recall is that of the first d candidates, wherever the others are.
        recall = sweep_depths(first_stage, best, qrels, parse_metrics([f"R@{deepest}"]), deepest, "dropped")
        unranked = evaluate(first_stage, qrels, parsed)
        return cls(comparison_set, metric, unranked.of(metric), ideal.of(metric), recall.values[0])


def sweep_all(
    tasks: Iterable[tuple[ComparisonSet, str, bool]], plan: Plan, summary: Summary
) -> list[DepthSweep | None]:
    """Return the default sweep of rerankers: their dataset, their tag, and whether they are pointwise.

    The candidates of rerankers that follow each other on one dataset are swept once.
    """
    found: list[DepthSweep | None] = []
    candidates: CandidateSweep | None = None
    for comparison_set, tag, pointwise in tasks:
        if not pointwise or not can_sweep(parse_metric(plan.primary)):
            found.append(None)
            continue
        if candidates is None or candidates.comparison_set is not comparison_set:
            candidates = CandidateSweep.of(comparison_set, plan.primary)
        found.append(sweep(comparison_set, tag, plan, summary, DepthQuestion(), candidates))
    return found


def sweep(
    comparison_set: ComparisonSet,
    tag: str,
    plan: Plan,
    summary: Summary,
    question: DepthQuestion,
    candidates: CandidateSweep | None = None,
) -> DepthSweep:
    """Return every depth of one reranker on one dataset, and the recommended one.

    Parameters
    ----------
    comparison_set
        The dataset at the deepest depth.
    tag
        A pointwise reranker.
    plan
        Gives primary metric, margin and seed.
    summary
        ``summary.json``: latencies and costs.
    question
        Options.
    candidates
        The sweep of the candidates by the same metric, if it is known already.
    """
    metric = question.metric or plan.primary
    margin = question.margin or plan.margin
    labels = depth_labels(comparison_set, tag, metric)
    found = candidates
    if found is None or found.comparison_set is not labels.comparison_set:
        found = CandidateSweep.of(labels.comparison_set, metric)
    basis = depth_basis(labels, tag, metric, plan, found.unranked)
    costs = known_costs(summary, comparison_set, tag)
    choice = choose_depth(
        basis.values[:, 1:], basis.values[:, 0], basis.split, costs, question.limits, margin,
        clusters=basis.clusters, judged=basis.judged,
    )  # fmt: skip
    measured = summary.quantiles_alone(comparison_set.dataset, tag, "p95")
    deepest = comparison_set.deepest or 1
    timed = {
        depth for depth in range(1, deepest + 1) if summary.sent_at(comparison_set.dataset, depth) in measured
    }
    every = DepthValues.of(basis.values, basis.clusters, basis.judged)
    return DepthSweep(
        dataset=comparison_set.dataset,
        reranker=tag,
        metric=metric,
        margin=margin,
        limits=question.limits,
        queries=every.queries,
        first_stage=every.mean(0),
        rows=tuple(_rows(every, None if basis.judged else found, costs, timed)),
        choice=indicated_depth(choice, labels.why_not),
        cost_unknown=_cost_unknown(summary, comparison_set.dataset, tag, costs, question.limits),
        candidates=candidate_lists(comparison_set),
        below_depth=comparison_set.below_depth,
        rests_on=labels.rests_on,
        corrected=None if basis.judged is None else every.basis(deepest, 0, basis.judged),
    )


def default_sweep(
    comparison_set: ComparisonSet,
    tag: str,
    plan: Plan,
    summary: Summary,
    question: DepthQuestion | None = None,
    *,
    pointwise: bool,
) -> DepthSweep | None:
    """Return the sweep of the primary metric; None where depths cannot be derived from one pass."""
    if not pointwise or not can_sweep(parse_metric(plan.primary)):
        return None
    return sweep(comparison_set, tag, plan, summary, question or DepthQuestion())


def _rows(
    every: DepthValues, candidates: CandidateSweep | None, costs: Costs, timed: AbstractSet[int]
) -> Iterator[DepthRow]:
    """Yield every depth; `candidates` are None where the grades of all queries are not those of the means."""
    deepest = every.values.shape[1] - 1
    for index in range(deepest):
        mean = every.mean(index + 1)
        oracle = recall = None
        if candidates is not None and len(candidates.ideal):
            oracle, recall = (float(part[:, index].mean()) for part in (candidates.ideal, candidates.recall))
        lost = None if oracle is None or mean.estimate is None else oracle - mean.estimate
        yield DepthRow(
            depth=index + 1,
            mean=mean,
            to_deepest=every.gain(index + 1, deepest),
            recall=recall,
            oracle=oracle,
            # The first stage loses what the candidates lack; the reranker loses the rest.
            retrieval_loss=None if oracle is None else 1 - oracle,
            ranking_loss=lost,
            p95_s=none_if_nan(costs.p95_s[index]),
            p95_measured=index + 1 in timed,
            usd_per_thousand_queries=none_if_nan(costs.usd_per_thousand_queries[index]),
            p95_upper_s=none_if_nan(costs.p95_upper_s[index]),
        )


def known_costs(summary: Summary, comparison_set: ComparisonSet, tag: str) -> Costs:
    """Return latency and cost of every depth, NaN where they are not known."""
    deepest = comparison_set.deepest or 1
    sent = np.array([summary.sent_at(comparison_set.dataset, depth) for depth in range(1, deepest + 1)])

    def at_depths(measured: Mapping[int, float]) -> NDArray[np.float64]:
        return np.asarray(interpolated(measured, int(sent[-1]))[sent - 1])

    p95_s = at_depths(summary.quantiles_alone(comparison_set.dataset, tag, "p95"))
    bounds = {
        size: row.p95_s.interval.upper for size, row in summary.alone(comparison_set.dataset, tag).items()
    }
    upper_s = at_depths({size: bound for size, bound in bounds.items() if bound is not None})
    return Costs(p95_s, _costs(summary, comparison_set, tag, deepest), upper_s)


def _costs(summary: Summary, comparison_set: ComparisonSet, tag: str, deepest: int) -> NDArray[np.float64]:
    """Return ``(deepest,)`` costs of a thousand queries in US dollars, NaN where they are not known."""
    lists = comparison_set.first_stage
    if lists is None or not len(lists):
        return np.full(deepest, np.nan)
    cost = summary.cost_of(comparison_set.dataset, tag)
    return depth_costs(
        summary.billing_of(comparison_set.dataset, tag),
        cost.usd_per_thousand_queries if cost else None,
        comparison_set.sent_at_depths(deepest),
    )


def _cost_unknown(summary: Summary, dataset: str, tag: str, costs: Costs, limits: Limits) -> str | None:
    """Return why costs are unknown, where a cost is recorded or limited; else None."""
    row = summary.billing_of(dataset, tag)
    if row is None and limits.usd_per_thousand_queries is None:
        return None
    return why_unknown(row, costs.usd_per_thousand_queries)
