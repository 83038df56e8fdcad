"""Grid search over depth, fusion and threshold: chosen on half of the queries, checked on the other half."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.gate_verdicts import decide_drop
from evalkit.errors import InputError
from evalkit.fusion import WEIGHTS, Scale, reciprocal_ranks, weighted
from evalkit.metrics import evaluate, parse_metrics
from evalkit.progress import progress_bar
from evalkit.records import Run, append_below
from evalkit.results.search_document import AgainstPlain, SearchResult, SearchRow
from evalkit.results.summary_document import Summary
from evalkit.results.tuning_document import TunedDepth
from evalkit.stats import Clusters, bounded_interval, clusters_at, mean_interval, mean_or_none, none_if_nan
from evalkit.summaries.candidate_runs import first_stage_run
from evalkit.summaries.depth_sweep import known_costs
from evalkit.summaries.indicated import indicated_search
from evalkit.summaries.tuning_depths import among
from evalkit.summaries.tuning_labels import candidate_labels
from evalkit.tuning import Split, split_queries
from evalkit.tuning.depth_choice import Costs
from evalkit.tuning.front import front
from evalkit.tuning.fusion_choice import AgainstFusion, against_fusion

LADDER = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
KEPT_SHARES = (1.0, 0.5, 0.2)
"""Shares of the candidates that thresholds keep, over all tuning queries; 1 for no threshold."""


@dataclass(frozen=True, slots=True, eq=False)
class _Configuration:
    """A configuration: depth, fusion, share of the reranked documents that the threshold keeps, threshold, ranking.

    Without a threshold the ranking includes the candidates below the depth where they are kept; a threshold drops them:
    they have no score.
    """

    depth: int
    fusion: str
    kept_share: float
    threshold: float | None
    run: Run

    @property
    def is_plain(self) -> bool:
        """Whether it is the reranker alone without threshold."""
        return self.fusion == "none" and self.threshold is None


@dataclass(frozen=True, slots=True, eq=False)
class _Evaluated:
    """A configuration with the documents it keeps per query, and its value for every answerable query."""

    configuration: _Configuration
    kept: float
    values: NDArray[np.float64]


def search(
    comparison_set: ComparisonSet, tag: str, plan: Plan, summary: Summary, made_at: TunedDepth | None = None
) -> SearchResult:
    """Evaluate every combination of depth, fusion with the first stage, and threshold.

    No depth is greater than that of `made_at`, or the deepest without it. The front is that of the tuning queries. The
    difference to plain reranking (the reranker alone, at the greatest of these depths, without threshold) is that of
    the held-out queries. Configurations rank all candidates in many ways, so where a judge's grades count it takes
    people's grades of all candidates of a draw; see `candidate_labels`.

    Raises
    ------
    InputError
        If the primary metric is unknown for some queries.
    """
    at = made_at or TunedDepth(comparison_set.deepest or 1, "given")
    costs = known_costs(summary, comparison_set, tag)
    judged_by, labels = (
        comparison_set.judged_by,
        candidate_labels(comparison_set, comparison_set.deepest or 1),
    )
    comparison_set = labels.comparison_set
    query_ids = comparison_set.qrels.answerable
    clusters = comparison_set.clusters_of(query_ids)
    split = split_queries(len(query_ids), plan.seed, clusters)
    rows: tuple[SearchRow, ...] = ()
    opponent: AgainstFusion | None = None
    if query_ids:
        tuning = [query_ids[i] for i in split.tuning]
        evaluated = list(_evaluate_all(comparison_set, tag, tuning, plan.primary, at.depth))
        check_known(plan.primary, [one.values for one in evaluated])
        held_out = clusters_at(clusters, split.held_out)
        rows = _rows(evaluated, split, costs, plan, held_out)
        opponent = _against_fusion(evaluated, split, plan, clusters)
    found = SearchResult(
        comparison_set.dataset, tag, plan.primary, plan.margin, len(query_ids), rows, opponent, made_at=at
    )
    return indicated_search(found, labels, judged_by)


def check_known(metric: str, values: Sequence[NDArray[np.float64]]) -> None:
    """Check that a metric has a value for every query under every configuration: otherwise means are not comparable.

    Parameters
    ----------
    metric
        For the message.
    values
        ``(q,)`` values of each configuration.

    Raises
    ------
    InputError
        If a value is unknown.
    """
    unknown = int(np.isnan(np.array(values)).any(axis=0).sum())
    if unknown:
        raise InputError(
            f"{metric} has no value for {unknown} of {len(values[0])} queries under some configurations, so that their"
            " means cannot be compared",
            "set compare.primary to a metric that every query has a value of, such as nDCG@10, and rerun",
        )


def _against_fusion(
    evaluated: list[_Evaluated], split: Split, plan: Plan, clusters: Clusters | None
) -> AgainstFusion:
    """Return the reranker alone against the best fusion, both at the full depth without threshold."""
    deepest = max(one.configuration.depth for one in evaluated)
    values = {
        one.configuration.fusion: one.values
        for one in evaluated
        if one.configuration.depth == deepest and one.configuration.threshold is None
    }
    alone = values.pop("none")
    return against_fusion(
        alone,
        values,
        split,
        clusters,
        confidence=plan.confidence,
        resamples=plan.resamples,
        seed=plan.seed,
    )


def _evaluate_all(
    comparison_set: ComparisonSet, tag: str, tuning: list[str], metric: str, deepest: int
) -> Iterator[_Evaluated]:
    """Yield every configuration with its values; the last one is plain reranking at the greatest depth."""
    query_ids, metrics = comparison_set.qrels.answerable, parse_metrics([metric])
    configurations = list(_combinations(comparison_set, tag, tuning, deepest))
    label = f"{comparison_set.dataset}: {tag}"
    for one in progress_bar(configurations, desc=label, unit="way"):
        documents = float(np.mean([len(one.run.docs(q)) for q in query_ids]))
        yield _Evaluated(one, documents, evaluate(one.run, comparison_set.qrels, metrics).of(metric))


def _rows(
    evaluated: list[_Evaluated], split: Split, costs: Costs, plan: Plan, clusters: Clusters | None
) -> tuple[SearchRow, ...]:
    """Return a row for each configuration; `clusters` are those of the held-out queries."""
    on_front = front(np.array([_objectives(one, split, costs) for one in evaluated]))
    deepest = max(one.configuration.depth for one in evaluated)
    plain = next(
        one for one in evaluated if one.configuration.is_plain and one.configuration.depth == deepest
    )
    rows = []
    for one, best in zip(evaluated, on_front.tolist(), strict=True):
        held_out = one.values[split.held_out]
        differences = held_out - plain.values[split.held_out]
        status, _ = decide_drop(differences, plan.margin, 0.05, clusters)
        rows.append(
            SearchRow(
                depth=one.configuration.depth,
                fusion=one.configuration.fusion,
                kept_share=one.configuration.kept_share,
                threshold=one.configuration.threshold,
                tuned=mean_or_none(one.values[split.tuning]),
                held_out=bounded_interval(held_out, clusters=clusters),
                kept=one.kept,
                p95_s=none_if_nan(costs.p95_s[one.configuration.depth - 1]),
                usd_per_thousand_queries=none_if_nan(
                    costs.usd_per_thousand_queries[one.configuration.depth - 1]
                ),
                on_front=best,
                against_plain=AgainstPlain(mean_interval(differences, clusters=clusters), status),
            )
        )
    return tuple(rows)


def _objectives(one: _Evaluated, split: Split, costs: Costs) -> list[float]:
    """Return mean on the tuning queries, and minus documents, latency and cost: higher is better; unknown is NaN."""
    place = one.configuration.depth - 1
    quality = float(one.values[split.tuning].mean())
    return [quality, -one.kept, -float(costs.p95_s[place]), -float(costs.usd_per_thousand_queries[place])]


def _combinations(
    comparison_set: ComparisonSet, tag: str, tuning: list[str], most: int
) -> Iterator[_Configuration]:
    """Yield every configuration with at most `most` candidates; thresholds are quantiles of the tuning scores."""
    first, full = first_stage_run(comparison_set), comparison_set.systems[tag].scores
    deepest, wanted = min(most, comparison_set.deepest or 1), set(tuning)
    for depth in (*(depth for depth in LADDER if depth < deepest), deepest):
        shallow = first.cut(depth)
        reranked = among(full, shallow)
        scales = Scale.of(shallow.restricted_to(wanted)), Scale.of(reranked.restricted_to(wanted))
        fused = {"none": reranked, "rrf": reciprocal_ranks(shallow, reranked)}
        fused |= {f"{weight:g} reranker": weighted(shallow, reranked, weight, scales) for weight in WEIGHTS}
        for fusion, run in fused.items():
            scores = run.restricted_to(wanted).scores
            for share in KEPT_SHARES if len(scores) else (1.0,):
                if share == 1:
                    whole = append_below(run, first, depth) if comparison_set.below_depth == "kept" else run
                    yield _Configuration(depth, fusion, share, None, whole)
                    continue
                cut = float(np.quantile(scores, 1 - share, method="higher"))
                yield _Configuration(depth, fusion, share, cut, run.where(run.scores >= cut))
