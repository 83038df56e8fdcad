"""Compute ``summary.json``: the figures of a report, each with its n and its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from evalkit.backend_checks import PrecisionCheck
from evalkit.comparison import pair
from evalkit.comparison.contenders import difference_interval
from evalkit.metrics import parse_metric
from evalkit.query_clusters import QueryClusters
from evalkit.records import MetricValues
from evalkit.results.comparison_document import Comparisons
from evalkit.results.latency_quantiles import RunLatency
from evalkit.results.manifest import DatasetFacts, Manifest
from evalkit.results.recorded_config import RecordedConfig
from evalkit.results.rows import Rows
from evalkit.results.summary_document import (
    Ceiling,
    DatasetSummary,
    LatencyRow,
    PrecisionCost,
    QualityRow,
    Summary,
)
from evalkit.stats import Interval, bounded_interval, mean_interval, mean_or_none
from evalkit.summaries.call_totals import cost_rows, count_calls, server_times
from evalkit.summaries.depth_costs import billing_rows
from evalkit.summaries.latency_cells import CONFIDENCE
from evalkit.summaries.quality_cells import CandidateCeiling, QualityCell
from evalkit.summaries.system_means import system_mean


def summarise(
    manifest: Manifest,
    config: RecordedConfig,
    cells: Sequence[QualityCell],
    ceilings: Sequence[CandidateCeiling],
    calls: Rows,
    latency: tuple[LatencyRow, ...],
    clusters: Mapping[str, QueryClusters],
    run_latencies: tuple[RunLatency, ...] = (),
) -> Summary:
    """Return the content of ``summary.json``.

    Parameters
    ----------
    manifest, config, cells, ceilings, calls
        What was measured.
    latency
        The rows of `latency_rows`.
    clusters
        Dataset -> which of its queries are not independent.
    run_latencies
        The rows of `run_latency_rows`.
    """
    first_stage = {(c.dataset, c.depth): c for c in cells if c.reranker == manifest.first_stage}
    # A run has no depth: it is compared with the first stage at its deepest, which is the last one.
    first_stage |= {(dataset, None): cell for (dataset, _), cell in first_stage.items()}
    return Summary(
        name=manifest.name,
        status=manifest.status,
        first_stage=manifest.first_stage,
        primary_metric=config.primary,
        confidence=CONFIDENCE,
        datasets=tuple(_dataset(facts, cells) for facts in manifest.datasets),
        quality=tuple(
            row
            for cell in cells
            for row in _quality(cell, first_stage[cell.dataset, cell.depth], clusters[cell.dataset])
        ),
        ceilings=tuple(_ceiling(one, clusters[one.dataset]) for one in ceilings),
        calls=count_calls(calls),
        precision=tuple(map(precision_cost, manifest.precision_checks)),
        costs=cost_rows(manifest, calls),
        server_times=server_times(calls, CONFIDENCE),
        latency=latency,
        billing=billing_rows(manifest, calls),
        run_latencies=run_latencies,
    )


def with_comparisons(summary: Summary, compared: Comparisons) -> Summary:
    """Return a summary that knows what the comparisons of each dataset rest on, and how wide intervals can be."""
    found = {entry.dataset: entry for entry in compared.datasets if entry.comparisons}
    datasets = [
        replace(facts, rests_on=entry.rests_on, human_widths=entry.human_widths)
        if (entry := found.get(facts.name))
        else facts
        for facts in summary.datasets
    ]
    return replace(summary, datasets=tuple(datasets))


def _dataset(facts: DatasetFacts, cells: Iterable[QualityCell]) -> DatasetSummary:
    missing = {c.reranker: len(c.not_scored) for c in cells if c.dataset == facts.name and c.not_scored}
    return DatasetSummary(
        name=facts.name,
        source=facts.origin.source,
        location=facts.origin.location,
        split=facts.origin.split,
        language=facts.origin.language,
        content_hash=facts.origin.content_hash,
        counts=facts.origin.counts,
        candidates=facts.candidates,
        empty_queries=len(facts.empty_queries),
        queries_not_scored=missing,
        judgments=facts.judgments,
    )


def _quality(cell: QualityCell, first_stage: QualityCell, clusters: QueryClusters) -> list[QualityRow]:
    tied = _tied_share(cell)
    return [
        QualityRow(
            dataset=cell.dataset,
            reranker=cell.reranker,
            depth=cell.depth,
            metric=metric,
            mean=system_mean(cell.values, metric, clusters, CONFIDENCE),
            not_scored=len(cell.not_scored),
            tied_queries_at_10=tied,
            difference=None if cell is first_stage else _difference(cell, first_stage, metric, clusters),
        )
        for metric in cell.values.metrics
    ]


def _difference(
    cell: QualityCell, baseline: QualityCell, metric: str, clusters: QueryClusters
) -> Interval | None:
    """Return the mean paired difference to the first stage over the queries of the reranker; None for counts."""
    if parse_metric(metric).summed:
        return None
    paired = pair(baseline.values, cell.values, metric)
    return difference_interval(replace(paired, clusters=clusters.of(paired.query_ids)), CONFIDENCE)


def _tied_share(cell: QualityCell) -> float | None:
    """Return the share of queries with equal scores among the first 11 ranks; None without queries."""
    run = cell.scores
    equal = (np.diff(run.scores) == 0) & (run.places[1:] > 1) & (run.places[1:] <= 11)
    tied = np.unique(run.owners[1:][equal])
    return len(tied) / len(run.query_ids) if run.query_ids else None


def _ceiling(ceiling: CandidateCeiling, clusters: QueryClusters) -> Ceiling:
    best = ceiling.best
    return Ceiling(
        dataset=ceiling.dataset,
        depth=ceiling.depth,
        recall=bounded_interval(ceiling.recall, CONFIDENCE, clusters.of(best.query_ids)),
        best_order={metric: _best_mean(best, metric) for metric in best.metrics},
        pairs=ceiling.pairs,
    )


def _best_mean(best: MetricValues, metric: str) -> float | None:
    """Return the mean of the best order; None at a budget of tokens, where shorter documents first may be better."""
    return mean_or_none(best.of(metric)) if parse_metric(metric).budget_tokens is None else None


def precision_cost(check: PrecisionCheck) -> PrecisionCost:
    """Return the effect of a lower precision, with intervals over the sampled queries."""
    full, reduced = np.array(check.full, dtype=float), np.array(check.reduced, dtype=float)
    taus = np.array([tau for tau in check.correlations if tau is not None], dtype=float)
    return PrecisionCost(
        dataset=check.dataset,
        reranker=check.reranker,
        precision=check.precision,
        metric=check.metric,
        largest=check.largest,
        missing=check.missing,
        correlation=mean_interval(taus, CONFIDENCE),
        in_fp32=bounded_interval(full, CONFIDENCE),
        difference=mean_interval(reduced - full, CONFIDENCE),
    )
