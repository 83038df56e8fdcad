"""``summary.json``: every figure of a report with its n and its interval. Reports and gates read this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats import mean_interval
from evalkit.summaries.call_totals import cost_rows, count_calls, server_times
from evalkit.summaries.latency_cells import CONFIDENCE, fields
from evalkit.summaries.precision_costs import precision_rows
from evalkit.summaries.quality_cells import Ceiling, QualityCell

if TYPE_CHECKING:
    import pandas as pd


def summarise(
    manifest: Mapping[str, Any],
    config: Mapping[str, Any],
    cells: Sequence[QualityCell],
    ceilings: Sequence[Ceiling],
    calls: pd.DataFrame,
    latency: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the content of ``summary.json``; `latency` are the rows of `latency_rows`."""
    first_stage = {(c.dataset, c.depth): c for c in cells if c.reranker == manifest["first_stage"]}
    return {
        "schema_version": 2,
        "name": manifest["name"],
        "status": manifest["status"],
        "first_stage": manifest["first_stage"],
        "primary_metric": config["compare"].get("primary") or config["metrics"][0],
        "confidence": CONFIDENCE,
        "datasets": [_dataset(entry, cells) for entry in manifest["datasets"]],
        "quality": [row for cell in cells for row in _quality(cell, first_stage[cell.dataset, cell.depth])],
        "ceilings": [_ceiling(ceiling) for ceiling in ceilings],
        "calls": count_calls(calls),
        "precision": precision_rows(manifest),
        "costs": cost_rows(manifest, calls),
        "server_times": server_times(calls, CONFIDENCE),
        "latency": list(latency),
    }


def _dataset(entry: Mapping[str, Any], cells: Iterable[QualityCell]) -> dict[str, Any]:
    kept = ("name", "source", "location", "split", "language", "content_hash", "counts", "candidates")
    missing = {c.reranker: len(c.not_scored) for c in cells if c.dataset == entry["name"] and c.not_scored}
    return {key: entry[key] for key in kept} | {
        "empty_queries": len(entry["empty_queries"]),
        "queries_not_scored": missing,
    }


def _quality(cell: QualityCell, first_stage: QualityCell) -> list[dict[str, Any]]:
    rows = []
    for metric in cell.values.metrics:
        row = {"dataset": cell.dataset, "reranker": cell.reranker, "depth": cell.depth, "metric": metric}
        row |= fields("mean", mean_interval(cell.values.of(metric), CONFIDENCE))
        row["not_scored"] = len(cell.not_scored)
        row["tied_queries_at_10"] = _tied_share(cell)
        row["difference"] = None if cell is first_stage else _difference(cell, first_stage, metric)
        rows.append(row)
    return rows


def _difference(cell: QualityCell, baseline: QualityCell, metric: str) -> dict[str, Any]:
    """Return the mean paired difference to the first stage over the queries that both have."""
    place = {query_id: row for row, query_id in enumerate(baseline.values.query_ids)}
    rows = [place[query_id] for query_id in cell.values.query_ids]
    return fields(
        "mean", mean_interval(cell.values.of(metric) - baseline.values.of(metric)[rows], CONFIDENCE)
    )


def _tied_share(cell: QualityCell) -> float | None:
    """Return the share of queries with a tie that touches the first ten ranks."""
    tied = [bool((np.diff(scores[:11]) == 0).any()) for _, _, scores in cell.run]
    return sum(tied) / len(tied) if tied else None


def _ceiling(ceiling: Ceiling) -> dict[str, Any]:
    best = {
        metric: mean_interval(ceiling.best.of(metric), CONFIDENCE).estimate for metric in ceiling.best.metrics
    }
    return {
        "dataset": ceiling.dataset,
        "depth": ceiling.depth,
        "recall": fields("mean", mean_interval(ceiling.recall, CONFIDENCE)),
        "best_order": best,
    }
