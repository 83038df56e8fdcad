"""Margins of a cascade's first stage from which the later stages are skipped: quality and share of skips for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.gate_verdicts import Status
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Run
from evalkit.rerankers.cascade_order import CascadeRule, margin_of, order_documents
from evalkit.results.reranker_facts import CascadeFacts
from evalkit.results.search_document import MarginRow, SearchResult
from evalkit.results.summary_document import Summary
from evalkit.stats import Clusters, bounded_interval, clusters_at, count_clusters, mean_interval
from evalkit.summaries.candidate_runs import first_stage_run
from evalkit.summaries.cascade_costs import cascade_cost
from evalkit.summaries.indicated import indicated_search
from evalkit.summaries.searches import check_known
from evalkit.summaries.tuning_labels import candidate_labels
from evalkit.tuning import Split, split_queries
from evalkit.tuning.depth_check import check_loss, queries_for_margin

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of the tuning queries that skip the later stages, for which margins are tried."""

Lists = Mapping[str, NDArray[np.float64]]
"""Query id -> ``(n,)`` scores of its candidates in first-stage order."""


@dataclass(frozen=True, slots=True, eq=False)
class _Evaluated:
    """A margin with the value of every query, and whether it skips the later stages."""

    margin: float | None
    values: NDArray[np.float64]
    skips: NDArray[np.float64]


def search_margins(
    comparison_set: ComparisonSet, tag: str, cascade: CascadeFacts, plan: Plan, summary: Summary
) -> SearchResult:
    """Return quality, skips and cost of a cascade for several margins; chosen on one half, checked on the other half.

    Margins are quantiles of the margins of the tuning queries. Queries that a stage failed on take no part; a query
    without candidates has the value 0.

    Parameters
    ----------
    comparison_set
        The dataset with the runs of all stages at the deepest depth.
    tag, cascade
        A cascade with a pointwise first stage.
    plan
        Gives primary metric, margin and seed.
    summary
        Gives the costs of the stages.

    Raises
    ------
    InputError
        If the primary metric is unknown for some queries.
    """
    judged_by, labels = (
        comparison_set.judged_by,
        candidate_labels(comparison_set, comparison_set.deepest or 1),
    )
    comparison_set = labels.comparison_set
    failed = {q for stage in cascade.stages for q in comparison_set.systems[stage.reranker].unscored}
    query_ids = [query for query in comparison_set.qrels.answerable if query not in failed]
    clusters = comparison_set.clusters_of(query_ids)
    split = split_queries(len(query_ids), plan.seed, clusters)
    rows: tuple[MarginRow, ...] = ()
    if query_ids:
        evaluated = _evaluate(comparison_set, cascade, query_ids, split, plan.primary)
        check_known(plan.primary, [one.values for one in evaluated])
        lengths = np.array([len(docs) for _, docs, _ in first_stage_run(comparison_set)])

        def cost(skipped: float) -> float | None:
            deepest = comparison_set.depth or 1
            return cascade_cost(summary, comparison_set.dataset, cascade, lengths, deepest, skipped)

        groups = clusters_at(clusters, split.held_out)
        rows = tuple(_rows(evaluated, cascade, split, plan, groups, cost))
    found = SearchResult(
        comparison_set.dataset, tag, plan.primary, plan.margin, len(query_ids), rows=(), margins=rows
    )
    return indicated_search(found, labels, judged_by)


def _evaluate(
    comparison_set: ComparisonSet, cascade: CascadeFacts, query_ids: Sequence[str], split: Split, metric: str
) -> list[_Evaluated]:
    """Return every margin with its values; never skipping comes first."""
    candidates = first_stage_run(comparison_set).cut(comparison_set.depth or 1)
    stages = [_lists(comparison_set.systems[stage.reranker].scores, candidates) for stage in cascade.stages]
    margins = np.array([margin_of(stages[0].get(query, np.empty(0))) for query in query_ids])
    judged, parsed = comparison_set.qrels.restricted_to(query_ids), parse_metrics([metric])
    evaluated = []
    for margin in _tried(margins[split.tuning], cascade.skip_margin):
        rule = CascadeRule(cascade.keeps, cascade.below == "dropped", margin)
        values = evaluate(_run(rule, stages, candidates), judged, parsed).of(metric)
        skips = np.zeros(len(margins)) if margin is None else (margins >= margin).astype(np.float64)
        evaluated.append(_Evaluated(margin, values, skips))
    return evaluated


def _rows(
    evaluated: Sequence[_Evaluated],
    cascade: CascadeFacts,
    split: Split,
    plan: Plan,
    groups: Clusters | None,
    cost: Callable[[float], float | None],
) -> Iterator[MarginRow]:
    never = evaluated[0].values
    tuned = [float(one.values[split.tuning].mean()) for one in evaluated]
    allowed = takewhile(lambda pair: pair[1] >= tuned[0] - plan.margin, zip(evaluated, tuned, strict=True))
    chosen = max((one for one, _ in allowed), key=lambda one: float(one.skips[split.tuning].mean()))
    for one, mean in zip(evaluated, tuned, strict=True):
        held_out = one.values[split.held_out]
        lost = held_out - never[split.held_out]
        yield MarginRow(
            margin=one.margin,
            configured=one.margin == cascade.skip_margin,
            chosen=one is chosen,
            skipped=bounded_interval(one.skips[split.held_out], plan.confidence, groups),
            tuned=mean,
            held_out=bounded_interval(held_out, plan.confidence, groups),
            to_never=mean_interval(lost, plan.confidence, groups),
            status=_status(lost, plan, groups),
            usd_per_thousand_queries=cost(float(one.skips.mean())),
        )


def _status(lost: NDArray[np.float64], plan: Plan, groups: Clusters | None) -> Status:
    """Return whether the loss is within the margin; too few queries cannot exclude a rare loss, as for a depth."""
    alpha = 1 - plan.confidence
    found = check_loss(lost, plan.margin, alpha, groups).status
    if found in {"PASS", "IDENTICAL"} and count_clusters(groups, len(lost)) < queries_for_margin(
        plan.margin, alpha
    ):
        return "CANNOT TELL"
    return found


def _tried(margins: NDArray[np.float64], configured: float | None) -> list[float | None]:
    """Return the margins to try, the largest first; None for never skipping."""
    finite = margins[np.isfinite(margins)]
    found = {float(np.quantile(finite, 1 - share, method="higher")) for share in SHARES[1:] if len(finite)}
    wanted = {margin for margin in (*found, configured) if margin is not None and margin > 0}
    return [None, *sorted(wanted, reverse=True)]


def _lists(run: Run, candidates: Run) -> Lists:
    """Return the scores of a stage in the order of the candidates."""
    scores = {query: dict(zip(docs, own.tolist(), strict=True)) for query, docs, own in run}
    return {
        query: np.array([scores[query][doc] for doc in docs])
        for query, docs, _ in candidates
        if query in scores
    }


def _run(rule: CascadeRule, stages: Sequence[Lists], candidates: Run) -> Run:
    """Return the run of a cascade over the queries that all stages have scored."""
    query_ids: list[str] = []
    doc_ids: list[str] = []
    scores: list[float] = []
    for query, docs, _ in candidates:
        if all(query in stage for stage in stages):
            lists = [stage[query] for stage in stages]
            found = order_documents(docs, rule, lambda number, rows, own=lists: own[number][rows])  # type: ignore[misc]
            query_ids += [query] * len(found.order)
            doc_ids += [docs[i] for i in found.order.tolist()]
            scores += found.scores[found.order].tolist()
    return Run.from_rows("", query_ids, doc_ids, scores)
