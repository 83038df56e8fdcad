"""A small search over depth, fusion and threshold: chosen on some queries, checked on others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.gate_verdicts import decide_drop
from evalkit.fusion import WEIGHTS, Scale, reciprocal_ranks, weighted
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Run
from evalkit.summaries.depth_sweep import known_costs
from evalkit.summaries.figures import mean_or_none, mean_row, or_none
from evalkit.tuning import split_queries
from evalkit.tuning.front import front

LADDER = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
KEPT_SHARES = (1.0, 0.5, 0.2)
"""Shares of the candidates that thresholds keep, over all tuning queries; 1 is no threshold."""


def search(comparison_set: ComparisonSet, tag: str, plan: Plan, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Look at every combination of depth, fusion with the first stage, and threshold.

    Returns
    -------
    ``rows``: every configuration with its mean on the tuning and on the held-out queries, documents kept,
    latency and cost, whether it is on the front, and on the held-out queries its difference to the plain
    one: the reranker alone, at the full depth, without threshold.
    """
    query_ids = comparison_set.qrels.answerable
    split = split_queries(len(query_ids), plan.seed)
    halves = [[query_ids[i] for i in rows] for rows in (split.tuning, split.held_out)]
    costs = known_costs(summary, comparison_set, tag)
    rows: list[dict[str, Any]] = []
    held_out: list[NDArray[np.float64]] = []
    combinations = list(_combinations(comparison_set, tag, halves[0]))
    for depth, fusion, share, threshold, run in tqdm(
        combinations, desc=f"{comparison_set.dataset}: {tag}", unit="way", disable=None
    ):
        left = run if threshold is None else run.where(run.scores >= threshold)
        values = evaluate(left, comparison_set.qrels, parse_metrics([plan.primary])).of(plan.primary)
        tuned, other = values[split.tuning], values[split.held_out]
        held_out.append(other)
        rows.append(
            {
                "depth": depth,
                "fusion": fusion,
                "kept_share": share,
                "threshold": threshold,
                "tuned": mean_or_none(tuned),
                "held_out": mean_row(other),
                "kept": float(np.mean([len(left.docs(q)) for q in query_ids])) if query_ids else None,
                "p95_s": or_none(costs.p95_s[depth - 1]),
                "usd_per_thousand_queries": or_none(costs.usd_per_thousand_queries[depth - 1]),
            }
        )
    if not query_ids:
        return {
            "dataset": comparison_set.dataset,
            "reranker": tag,
            "metric": plan.primary,
            "queries": 0,
            "rows": [],
        }
    on_front = front(_counts(rows))
    plain = next(i for i, row in enumerate(rows) if _is_plain(row, comparison_set.depth))
    for row, values, best in zip(rows, held_out, on_front.tolist(), strict=True):
        status, _ = decide_drop(values - held_out[plain], plan.margin, 0.05)
        row["on_front"] = best
        row["against_plain"] = {**mean_row(values - held_out[plain]), "status": status}
    return {
        "dataset": comparison_set.dataset,
        "reranker": tag,
        "metric": plan.primary,
        "margin": plan.margin,
        "queries": len(query_ids),
        "rows": rows,
    }


def _is_plain(row: Mapping[str, Any], depth: int | None) -> bool:
    return row["depth"] == depth and row["fusion"] == "none" and row["threshold"] is None


def _combinations(
    comparison_set: ComparisonSet, tag: str, tuning: list[str]
) -> Iterator[tuple[int, str, float, float | None, Run]]:
    """Yield depth, fusion, share kept, threshold and run; thresholds are taken from the tuning queries."""
    first, full = comparison_set.first_stage or Run.from_rows("", [], [], []), comparison_set.systems[tag].run
    wanted = set(tuning)
    for depth in sorted(
        {depth for depth in LADDER if depth < (comparison_set.depth or 1)} | {comparison_set.depth or 1}
    ):
        shallow = first.cut(depth)
        reranked = _within(full, shallow)
        scales = Scale.of(_of(shallow, wanted)), Scale.of(_of(reranked, wanted))
        fused = {"none": reranked, "rrf": reciprocal_ranks(shallow, reranked)}
        fused |= {f"{weight:g} reranker": weighted(shallow, reranked, weight, scales) for weight in WEIGHTS}
        for fusion, run in fused.items():
            scores = _of(run, wanted).scores
            for share in KEPT_SHARES if len(scores) else (1.0,):
                cut = None if share == 1 else float(np.quantile(scores, 1 - share, method="higher"))
                yield depth, fusion, share, cut, run


def _within(run: Run, candidates: Run) -> Run:
    """Return what of a run is among some candidates."""
    held = {query_id: set(docs) for query_id, docs, _ in candidates}
    return run.where(np.array([d in held.get(q, ()) for q, docs, _ in run for d in docs], dtype=np.bool_))


def _of(run: Run, query_ids: set[str]) -> Run:
    return run.where(np.array([q in query_ids for q, docs, _ in run for _ in docs], dtype=np.bool_))


def _counts(rows: list[dict[str, Any]]) -> NDArray[np.float64]:
    """Return quality, and what it takes, as columns of which more is better; unknown is NaN."""
    names = ("kept", "p95_s", "usd_per_thousand_queries")
    return np.array(
        [[row["tuned"], *(-np.nan if row[n] is None else -row[n] for n in names)] for row in rows]
    )
