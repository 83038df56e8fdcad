"""``comparisons.json``: who is better than the baseline, by how much, how sure, and what it hangs on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from evalkit.comparison import (
    Comparison,
    ComparisonSet,
    Plan,
    System,
    compare,
    explore,
    pair,
    pool,
    tied_with,
)
from evalkit.comparison.contenders import extremes
from evalkit.comparison.sensitivity import Sensitivity, sensitivity
from evalkit.comparison.slices import Slice, slices
from evalkit.records import Qrels, Query
from evalkit.stats import Interval
from evalkit.summaries.quality_cells import QualityCell


def plan_of(config: Mapping[str, Any], first_stage: str) -> Plan:
    """Return the plan that a resolved configuration names."""
    settings = config["compare"]
    return Plan(
        baseline=settings.get("baseline") or first_stage,
        primary=settings.get("primary") or config["metrics"][0],
        confidence=settings["confidence"],
        margin=settings["margin"],
        correction=settings["correction"],
        resamples=settings["resamples"],
        seed=config["seed"],
    )


def sets_at_depth(
    cells: Iterable[QualityCell],
    first_stage: str,
    qrels: Mapping[str, Qrels],
    queries: Mapping[str, Mapping[str, Query]],
    depth: int,
) -> list[ComparisonSet]:
    """Return one field for every dataset, of its cells at one depth."""
    held: dict[str, dict[str, System]] = {name: {} for name in qrels}
    for cell in cells:
        if cell.depth == depth:
            held[cell.dataset][cell.reranker] = System(cell.reranker, cell.run, cell.values, cell.not_scored)
    return [
        ComparisonSet(name, qrels[name], systems, queries.get(name, {}), systems[first_stage].run, depth)
        for name, systems in held.items()
    ]


def compare_sets(comparison_sets: Sequence[ComparisonSet], plan: Plan) -> dict[str, Any]:
    """Return the content of ``comparisons.json``."""
    return {
        "schema_version": 1,
        "plan": asdict(plan),
        "datasets": [_dataset(comparison_set, plan) for comparison_set in comparison_sets],
        "pooled": [asdict(one) for one in pool(comparison_sets, plan)] if len(comparison_sets) > 1 else [],
    }


def _dataset(comparison_set: ComparisonSet, plan: Plan) -> dict[str, Any]:
    primary = compare(comparison_set, plan)
    contenders = [one.contender for one in primary if one.n]
    return {
        "dataset": comparison_set.dataset,
        "depth": comparison_set.depth,
        "unscored": {
            name: len(entry.unscored) for name, entry in comparison_set.systems.items() if entry.unscored
        },
        "comparisons": [asdict(one) for one in primary],
        "tied_with": tied_with(comparison_set, plan),
        "exploratory": [_exploratory(one) for one in explore(comparison_set, plan)],
        "sensitivity": [_sensitivity(sensitivity(comparison_set, plan, name)) for name in contenders],
        "slices": [_slice(one) for name in contenders for one in slices(comparison_set, plan, name)],
        "extremes": {name: _extremes(comparison_set, plan, name) for name in contenders},
    }


def _exploratory(one: Comparison) -> dict[str, Any]:
    """Return what may be said of a metric that no verdict rests on."""
    kept = (
        "metric",
        "contender",
        "n",
        "baseline_mean",
        "contender_mean",
        "difference",
        "lower",
        "upper",
        "p",
    )
    return {name: getattr(one, name) for name in kept}


def _interval(interval: Interval) -> dict[str, Any]:
    return {
        "difference": interval.estimate,
        "lower": interval.lower,
        "upper": interval.upper,
        "n": interval.n,
    }


def _sensitivity(found: Sensitivity) -> dict[str, Any]:
    return {**asdict(found), "condensed": _interval(found.condensed)}


def _slice(found: Slice) -> dict[str, Any]:
    return {
        "contender": found.contender,
        "by": found.by,
        "level": found.level,
        "baseline_mean": _mean(found.baseline_mean),
        "contender_mean": _mean(found.contender_mean),
        **_interval(found.difference),
    }


def _mean(interval: Interval) -> dict[str, float | None]:
    return {"mean": interval.estimate, "lower": interval.lower, "upper": interval.upper}


def _extremes(comparison_set: ComparisonSet, plan: Plan, name: str) -> dict[str, list[dict[str, Any]]]:
    paired = pair(
        comparison_set.systems[plan.baseline].values, comparison_set.systems[name].values, plan.primary
    )
    return {
        which: [
            {
                "query_id": query_id,
                "text": comparison_set.queries[query_id].text if query_id in comparison_set.queries else None,
                "baseline": baseline,
                "contender": contender,
            }
            for query_id, baseline, contender in rows
        ]
        for which, rows in extremes(paired).items()
    }
