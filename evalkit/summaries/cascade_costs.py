"""Latency and cost of cascades, composed of those of their stages, and the share of queries that skip stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.latency.composed import StageCalls, compose
from evalkit.query_clusters import QueryClusters
from evalkit.rerankers.cascade_order import margin_of
from evalkit.results import ResultFolder
from evalkit.results.cascade_rows import CascadeRow, ComposedLatency
from evalkit.results.manifest import Manifest
from evalkit.results.raw_tables import at_depth
from evalkit.results.recorded_config import RecordedConfig
from evalkit.results.reranker_facts import CascadeFacts
from evalkit.results.summary_document import Summary
from evalkit.results.timed_calls import CellCalls
from evalkit.stats import bounded_interval, none_if_nan
from evalkit.summaries.depth_costs import depth_costs
from evalkit.summaries.latency_cells import CONFIDENCE


def with_cascades(
    summary: Summary,
    folder: ResultFolder,
    manifest: Manifest,
    config: RecordedConfig,
    timed: Sequence[CellCalls],
    clusters: Mapping[str, QueryClusters],
) -> Summary:
    """Return the summary with a row for each cascade and dataset; unchanged without a cascade.

    Parameters
    ----------
    summary
        Latency and cost of the stages.
    folder, manifest, config
        The result.
    timed
        Its timed calls.
    clusters
        Dataset -> which of its queries are not independent.
    """
    cascades = {tag: facts.cascade for tag, facts in manifest.rerankers.items() if facts.cascade}
    rows = tuple(
        _row(summary, one.name, tag, cascade, folder, config, timed, clusters[one.name])
        for one in manifest.datasets
        for tag, cascade in cascades.items()
    )
    return replace(summary, cascades=rows) if rows else summary


def _row(
    summary: Summary,
    dataset: str,
    tag: str,
    cascade: CascadeFacts,
    folder: ResultFolder,
    config: RecordedConfig,
    timed: Sequence[CellCalls],
    clusters: QueryClusters,
) -> CascadeRow:
    depth, skip = config.depth, cascade.skip_margin
    margins = (
        margins_at(folder, dataset, cascade.stages[0].reranker, depth) if skip and config.quality else None
    )
    goes_on = {query: margin < (skip or np.inf) for query, margin in (margins or {}).items()}
    skipped = None
    if margins is not None:
        values = np.array([not one for one in goes_on.values()], dtype=np.float64)
        skipped = bounded_interval(values, CONFIDENCE, clusters.of(list(goes_on)))
    calls = [
        _stage_calls(timed, dataset, stage.reranker, size)
        for stage, size in zip(cascade.stages, (depth, *cascade.keeps), strict=True)
    ]
    unknown = _latency_unknown(cascade, depth, calls, lacks_skips=skip is not None and margins is None)
    p50 = p95 = None
    if unknown is None:
        level = config.latency.confidence if config.latency else CONFIDENCE
        known = [one for one in calls if one is not None]
        composed = compose(known, None if skip is None else goes_on, level).quantiles
        whole = summary.alone(dataset, tag).get(depth)
        p50 = ComposedLatency(composed[0.5].interval, whole.p50_s.interval if whole else None)
        p95 = ComposedLatency(composed[0.95].interval, whole.p95_s.interval if whole else None)
    share = (skipped.estimate if skipped else None) if skip else 0.0
    lengths = _lengths(folder, dataset, summary.first_stage) if config.quality else np.empty(0, np.int64)
    return CascadeRow(
        dataset=dataset,
        reranker=tag,
        depth=depth,
        skipped=skipped,
        p50_s=p50,
        p95_s=p95,
        latency_unknown=unknown,
        usd_per_thousand_queries=None
        if share is None
        else cascade_cost(summary, dataset, cascade, lengths, depth, share),
    )


def margins_at(folder: ResultFolder, dataset: str, tag: str, depth: int) -> dict[str, float]:
    """Return query id -> margin of a pointwise reranker among the first `depth` candidates."""
    columns = at_depth(folder.read_scores_of(dataset, tag), depth)
    within = columns["retriever_rank"] <= depth
    queries, scores = columns["query_id"][within], columns["score"][within]
    names, owner = np.unique(queries.astype(str), return_inverse=True)
    order = np.argsort(owner, kind="stable")
    if not len(names):
        return {}
    parts = np.split(scores[order], np.cumsum(np.bincount(owner, minlength=len(names)))[:-1])
    return {str(name): margin_of(part) for name, part in zip(names, parts, strict=True) if len(part)}


def _stage_calls(timed: Sequence[CellCalls], dataset: str, tag: str, documents: int) -> StageCalls | None:
    """Return the timed calls of a stage with one call in flight and this number of documents; None without any."""
    for cell in timed:
        load = cell.load
        plain = load.concurrency == 1 and load.length_bucket is None and not cell.is_open
        if (
            plain
            and (cell.dataset, cell.reranker, load.batch_size) == (dataset, tag, documents)
            and cell.ok.any()
        ):
            return StageCalls(
                cell.seconds[cell.ok],
                cell.spans.round[cell.ok],
                cell.query_ids[cell.ok],
                cell.column("document_characters")[cell.ok],
            )
    return None


def _latency_unknown(
    cascade: CascadeFacts, depth: int, calls: Sequence[StageCalls | None], *, lacks_skips: bool
) -> str | None:
    """Return why the latency cannot be composed; None if it can."""
    for stage, size, own in zip(cascade.stages, (depth, *cascade.keeps), calls, strict=True):
        if own is None:
            return f"{stage.reranker} was not timed with {size} documents: add {size} to latency.batch_sizes"
    return (
        "without the quality pass it is unknown which queries skip the later stages" if lacks_skips else None
    )


def _lengths(folder: ResultFolder, dataset: str, first_stage: str) -> NDArray[np.int64]:
    """Return the number of candidates of each query."""
    queries = folder.read_scores_of(dataset, first_stage)["query_id"]
    return np.unique(queries.astype(str), return_counts=True)[1]


def cascade_cost(
    summary: Summary,
    dataset: str,
    cascade: CascadeFacts,
    lengths: NDArray[np.int64],
    depth: int,
    skipped: float,
) -> float | None:
    """Return US dollars per 1,000 queries; None where the cost of a stage is not known.

    Parameters
    ----------
    summary, dataset, cascade
        Costs of the stages, and which these are.
    lengths
        ``(q,)`` number of candidates of each query.
    depth
        Candidates that the first stage scores, at most.
    skipped
        Share of the queries for which only the first stage is called.
    """
    if not len(lengths):
        return None
    total = 0.0
    for number, (stage, size) in enumerate(zip(cascade.stages, (depth, *cascade.keeps), strict=True)):
        cost = summary.cost_of(dataset, stage.reranker)
        usd = cost.usd_per_thousand_queries if cost else None
        at = depth_costs(
            summary.billing_of(dataset, stage.reranker),
            usd,
            np.minimum(lengths[:, None], np.arange(1, depth + 1)),
        )
        total += float(at[size - 1]) * (1.0 - skipped if number else 1.0)
    return none_if_nan(total)
