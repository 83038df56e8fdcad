"""Depth, threshold and probability function of a reranker, tuned on one half and checked together on the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.gate_verdicts import RuleFinding
from evalkit.comparison.indications import why_indication
from evalkit.errors import EvalkitError
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import RELEVANT_GRADE, Qrels, Run, append_below
from evalkit.results.manifest import Manifest
from evalkit.results.production_document import (
    HeldOutCheck,
    LatencyAtDepth,
    ProbabilityFunction,
    ProductionRule,
    TunedData,
    TunedModel,
)
from evalkit.results.summary_document import Summary
from evalkit.results.tuning_document import CalibrationResult, DepthSweep
from evalkit.stats import (
    bounded_interval,
    clusters_at,
    count_clusters,
    mean_interval,
    none_if_nan,
    paired_interval,
)
from evalkit.summaries.calibrations import calibrate
from evalkit.summaries.candidate_runs import first_stage_run, scored_documents
from evalkit.summaries.depth_sweep import known_costs
from evalkit.summaries.threshold_curves import Goal, find_threshold
from evalkit.summaries.tuning_depths import QueryHalves, cut_to, depth_to_tune
from evalkit.summaries.tuning_labels import candidate_labels
from evalkit.tuning import Limits
from evalkit.tuning.depth_check import ALPHA, check_loss, queries_for_margin
from evalkit.tuning.depth_choice import ROUNDING, interpolated


@dataclass(frozen=True, slots=True)
class ProductionQuestion:
    """What settings must reach.

    Attributes
    ----------
    goal
        Goal of the threshold.
    margin
        Largest loss of quality that is accepted.
    limits
        Limits on latency and cost.
    """

    goal: Goal
    margin: float
    limits: Limits


def production_rule(
    comparison_set: ComparisonSet,
    tag: str,
    plan: Plan,
    sources: tuple[Manifest, Mapping[str, Any], Summary],
    sweep: DepthSweep | None,
    question: ProductionQuestion,
) -> ProductionRule:
    """Tune depth, threshold and probabilities in turn, and check depth and threshold together.

    Parameters
    ----------
    comparison_set
        The dataset at the deepest depth.
    tag, plan
        The reranker, and metric and seed.
    sources
        The manifest, the recorded configuration as plain data, and the summary.
    sweep
        Every depth under the limits of `question`; None for a listwise reranker.
    question
        Goal, margin and limits.
    """
    manifest, config, summary = sources
    labels = candidate_labels(comparison_set, comparison_set.deepest or 1)
    comparison_set = labels.comparison_set
    halves = QueryHalves.of(comparison_set, plan)
    made_at = depth_to_tune(comparison_set, sweep)
    threshold = find_threshold(comparison_set, tag, plan, question.goal, made_at)
    chosen, kind = (made_at.depth, threshold.threshold), manifest.rerankers[tag].score_kind
    calibrated = calibrate(comparison_set, tag, kind, plan, made_at, halves)
    latency = _latency(summary, comparison_set, tag, made_at.depth)
    usd = none_if_nan(known_costs(summary, comparison_set, tag).usd_per_thousand_queries[made_at.depth - 1])
    origin = manifest.origins[comparison_set.dataset]
    return ProductionRule(
        dataset=comparison_set.dataset,
        reranker=tag,
        why_not=labels.why_not or _beyond(question.limits, latency, usd),
        model=_model(manifest, config, tag),
        depth=made_at.depth,
        made_at=made_at,
        threshold=threshold.threshold,
        threshold_why_not=threshold.why_not,
        goal=threshold.goal,
        probability=_probability(calibrated),
        probability_why_not=calibrated.why_not,
        latency=latency,
        usd_per_thousand_queries=usd,
        held_out=_check(comparison_set, tag, plan, halves, chosen, question.margin, labels.why_not),
        data=TunedData(
            content_hash=origin.content_hash,
            split=origin.split,
            first_stage=manifest.first_stage,
            seed=plan.seed,
            tuning_queries=len(halves.tuning),
            held_out_queries=len(halves.held_out),
            rests_on=labels.rests_on,
        ),
    )


def kept_documents(comparison_set: ComparisonSet, tag: str, depth: int, threshold: float | None) -> Run:
    """Return the run of the first `depth` candidates that reach a threshold; all of them without one.

    Candidates below the depth are not among them: no call returns them.
    """
    run, _ = scored_documents(cut_to(comparison_set, tag, depth).systems[tag])
    return run if threshold is None else run.where(run.scores >= threshold)


def _check(
    comparison_set: ComparisonSet,
    tag: str,
    plan: Plan,
    halves: QueryHalves,
    chosen: tuple[int, float | None],
    margin: float,
    why_not: str | None,
) -> HeldOutCheck:
    """Return depth and threshold together on the held-out queries, against the full depth without threshold.

    The depth is one of two when these queries are looked at: that of the tuning queries, or the deepest where it is not
    confirmed. So its difference is that of a choice between two, and slightly optimistic. With a reason `why_not`, or
    grades of models, it is no test.
    """
    depth, threshold = chosen
    kept = kept_documents(comparison_set, tag, depth, threshold)
    candidates = first_stage_run(comparison_set).cut(depth)
    answerable = [q for q in comparison_set.qrels.answerable if q in halves.held_out]
    judged = [q for q in comparison_set.qrels.grades if q in halves.held_out]
    qrels = comparison_set.qrels.restricted_to(answerable)
    metrics = parse_metrics([plan.primary])
    quality = evaluate(_ranking(comparison_set, kept, depth, threshold), qrels, metrics).of(plan.primary)
    full = evaluate(comparison_set.systems[tag].run, qrels, metrics).of(plan.primary)
    known = np.flatnonzero(~np.isnan(quality) & ~np.isnan(full))
    quality, full = quality[known], full[known]
    clusters = clusters_at(comparison_set.clusters_of(answerable), known)
    found = check_loss(quality - full, margin, ALPHA, clusters)
    if threshold is not None or depth < (comparison_set.deepest or depth):
        found = _with_enough_queries(found, comparison_set, margin)
    if (why := why_indication(comparison_set.judged_by) or why_not) is not None:
        found = replace(found, status="CANNOT TELL", sentence=why)
    recalls, with_relevant = _recalls(kept, candidates, comparison_set.qrels, answerable)
    counts = np.array([len(kept.docs(q)) for q in judged], dtype=np.float64)
    lengths = np.array([len(candidates.docs(q)) for q in judged], dtype=np.float64)
    filled = np.flatnonzero(lengths)
    of_judged = comparison_set.clusters_of(judged)
    shares = counts[filled] / lengths[filled]
    return HeldOutCheck(
        metric=plan.primary,
        margin=margin,
        full_depth=comparison_set.deepest or depth,
        quality=bounded_interval(quality, clusters=clusters),
        full_quality=bounded_interval(full, clusters=clusters),
        difference=paired_interval(full, quality, clusters=clusters),
        status=found.status,
        sentence=found.sentence,
        recall=bounded_interval(recalls, clusters=comparison_set.clusters_of(with_relevant)),
        kept=mean_interval(counts, clusters=of_judged),
        kept_share=bounded_interval(shares, clusters=clusters_at(of_judged, filled)),
        empty=bounded_interval((counts == 0).astype(np.float64), clusters=of_judged),
    )


def _ranking(comparison_set: ComparisonSet, kept: Run, depth: int, threshold: float | None) -> Run:
    """Return the ranking in production: without a threshold, candidates below the depth follow where they are kept."""
    if threshold is not None or comparison_set.below_depth == "dropped":
        return kept
    return append_below(kept, first_stage_run(comparison_set), depth)


def _with_enough_queries(found: RuleFinding, comparison_set: ComparisonSet, margin: float) -> RuleFinding:
    """Return the test of a loss; it cannot pass with too few queries for a rare loss, as that of `tune depth`."""
    query_ids = comparison_set.qrels.answerable
    independent = count_clusters(comparison_set.clusters_of(query_ids), len(query_ids))
    needed = queries_for_margin(margin, ALPHA)
    if found.status not in {"PASS", "IDENTICAL"} or independent >= needed:
        return found
    why = f"too few queries ({independent}) to exclude a rare loss: a margin of {margin:g} requires {needed}"
    return replace(found, status="CANNOT TELL", sentence=why)


def _recalls(
    kept: Run, candidates: Run, qrels: Qrels, query_ids: list[str]
) -> tuple[NDArray[np.float64], list[str]]:
    """Return the share of the relevant candidates that is kept, and the queries that have a relevant candidate."""
    found = {q: {d for d in candidates.docs(q) if qrels.of(q).get(d, 0) >= RELEVANT_GRADE} for q in query_ids}
    with_relevant = [q for q in query_ids if found[q]]
    recalls = [len(found[q].intersection(kept.docs(q))) / len(found[q]) for q in with_relevant]
    return np.array(recalls, dtype=np.float64), with_relevant


def _latency(summary: Summary, comparison_set: ComparisonSet, tag: str, depth: int) -> LatencyAtDepth | None:
    """Return p95 at a depth with its interval, interpolated between batch sizes; None where it is unknown."""
    rows = {
        size: row.p95_s
        for size, row in summary.alone(comparison_set.dataset, tag).items()
        if row.p95_s.estimate is not None
    }
    sent = summary.sent_at(comparison_set.dataset, depth)
    bounds = {
        name: interpolated({size: value for size, value in known.items() if value is not None}, sent)[-1]
        for name, known in (
            ("estimate", {size: one.estimate for size, one in rows.items()}),
            ("lower", {size: one.interval.lower for size, one in rows.items()}),
            ("upper", {size: one.interval.upper for size, one in rows.items()}),
        )
    }
    estimate = none_if_nan(bounds["estimate"])
    if estimate is None:
        return None
    return LatencyAtDepth(estimate, none_if_nan(bounds["lower"]), none_if_nan(bounds["upper"]), depth in rows)


def _beyond(limits: Limits, latency: LatencyAtDepth | None, usd: float | None) -> str | None:
    """Return which limit the depth does not keep; an unknown latency or cost keeps none."""
    if limits.p95_s is not None:
        upper = None if latency is None else latency.upper_s
        if upper is None or upper > limits.p95_s:
            return "no number of candidates is known to keep the limit of latency"
    limit = limits.usd_per_thousand_queries
    if limit is not None and (usd is None or usd > limit * (1 + ROUNDING)):
        return "no number of candidates is known to keep the limit of cost"
    return None


def _probability(calibrated: CalibrationResult) -> ProbabilityFunction | None:
    """Return the function with the lowest log loss on the held-out queries."""
    name = calibrated.best
    if name is None:
        return None
    function = calibrated.functions[name].function
    if function is not None:
        return ProbabilityFunction(name, function.kind, function.log_odds, function.parameters)
    # A logit goes through the sigmoid; the log-odds of a probability give that probability again.
    identity = {"a": 1.0, "b": 0.0}
    return ProbabilityFunction(name, "platt", calibrated.score_kind == "probability", identity)


def _model(manifest: Manifest, config: Mapping[str, Any], tag: str) -> TunedModel:
    """Return the model of a reranker, as configured and as it named itself."""
    from evalkit.config import reranker_settings
    from evalkit.store import material_settings

    facts, endpoint = manifest.rerankers[tag], manifest.endpoints.get(tag)
    block = config.get("rerankers", {}).get(tag, {})
    try:
        settings = material_settings(reranker_settings(block))
    except EvalkitError:
        settings = None
    served = block.get("serve") or block
    return TunedModel(
        backend=str(served.get("backend", facts.backend)),
        model=served.get("model"),
        dialect=block.get("dialect"),
        score_kind=facts.score_kind,
        replied=() if endpoint is None else endpoint.models,
        settings=settings,
    )
