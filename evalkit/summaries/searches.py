"""A small search over depth, fusion and threshold: chosen on some queries, checked on others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.gate_verdicts import decide_drop
from evalkit.fusion import WEIGHTS, Scale, reciprocal_ranks, weighted
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Run
from evalkit.results.summary_document import Summary
from evalkit.results.tuning_document import AgainstPlain, SearchResult, SearchRow
from evalkit.stats import mean_interval, mean_or_none, none_if_nan
from evalkit.summaries.depth_sweep import known_costs
from evalkit.tuning import Split, split_queries
from evalkit.tuning.depth_choice import Costs
from evalkit.tuning.front import front

LADDER = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
KEPT_SHARES = (1.0, 0.5, 0.2)
"""Shares of the candidates that thresholds keep, over all tuning queries; 1 is no threshold."""


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """A configuration: depth, fusion, share of the candidates that the threshold keeps, threshold, ranking."""

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
class _Tried:
    """A configuration with the values of the run that it gives, for every answerable query."""

    way: _Way
    kept: float
    values: NDArray[np.float64]


def search(comparison_set: ComparisonSet, tag: str, plan: Plan, summary: Summary) -> SearchResult:
    """Evaluate every combination of depth, fusion with the first stage, and threshold.

    The front is that of the tuning queries. The difference to plain reranking (the reranker alone, at the full depth,
    without threshold) is that of the held-out queries.
    """
    query_ids = comparison_set.qrels.answerable
    split = split_queries(len(query_ids), plan.seed)
    rows: tuple[SearchRow, ...] = ()
    if query_ids:
        tuning = [query_ids[i] for i in split.tuning]
        tried = list(_try_all(comparison_set, tag, tuning, plan.primary))
        rows = _rows(tried, split, known_costs(summary, comparison_set, tag), plan)
    return SearchResult(comparison_set.dataset, tag, plan.primary, plan.margin, len(query_ids), rows)


def _try_all(comparison_set: ComparisonSet, tag: str, tuning: list[str], metric: str) -> Iterator[_Tried]:
    """Yield every configuration with its values; the last one is plain reranking at the full depth."""
    query_ids, metrics = comparison_set.qrels.answerable, parse_metrics([metric])
    ways = list(_combinations(comparison_set, tag, tuning))
    label = f"{comparison_set.dataset}: {tag}"
    for way in tqdm(ways, desc=label, unit="way", disable=None):
        kept = way.run if way.threshold is None else way.run.where(way.run.scores >= way.threshold)
        documents = float(np.mean([len(kept.docs(q)) for q in query_ids]))
        yield _Tried(way, documents, evaluate(kept, comparison_set.qrels, metrics).of(metric))


def _rows(tried: list[_Tried], split: Split, costs: Costs, plan: Plan) -> tuple[SearchRow, ...]:
    on_front = front(np.array([_counts(one, split, costs) for one in tried]))
    deepest = max(one.way.depth for one in tried)
    plain = next(one for one in tried if one.way.is_plain and one.way.depth == deepest)
    rows = []
    for one, best in zip(tried, on_front.tolist(), strict=True):
        held_out = one.values[split.held_out]
        differences = held_out - plain.values[split.held_out]
        status, _ = decide_drop(differences, plan.margin, 0.05)
        rows.append(
            SearchRow(
                depth=one.way.depth,
                fusion=one.way.fusion,
                kept_share=one.way.kept_share,
                threshold=one.way.threshold,
                tuned=mean_or_none(one.values[split.tuning]),
                held_out=mean_interval(held_out),
                kept=one.kept,
                p95_s=none_if_nan(costs.p95_s[one.way.depth - 1]),
                usd_per_thousand_queries=none_if_nan(costs.usd_per_thousand_queries[one.way.depth - 1]),
                on_front=best,
                against_plain=AgainstPlain(mean_interval(differences), status),
            )
        )
    return tuple(rows)


def _counts(one: _Tried, split: Split, costs: Costs) -> list[float]:
    """Return quality on the tuning queries, and what it costs as negative numbers: more is better; unknown is NaN."""
    place = one.way.depth - 1
    quality = float(one.values[split.tuning].mean())
    return [quality, -one.kept, -float(costs.p95_s[place]), -float(costs.usd_per_thousand_queries[place])]


def _combinations(comparison_set: ComparisonSet, tag: str, tuning: list[str]) -> Iterator[_Way]:
    """Yield every configuration; thresholds are quantiles of the scores of the tuning queries."""
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
                yield _Way(depth, fusion, share, cut, run)


def _within(run: Run, candidates: Run) -> Run:
    """Return what of a run is among some candidates."""
    documents = {query_id: set(docs) for query_id, docs, _ in candidates}
    return run.where(
        np.array([d in documents.get(q, ()) for q, docs, _ in run for d in docs], dtype=np.bool_)
    )


def _of(run: Run, query_ids: set[str]) -> Run:
    return run.where(np.array([q in query_ids for q, docs, _ in run for _ in docs], dtype=np.bool_))
