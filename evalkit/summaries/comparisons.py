"""``comparisons.json``: who is better than the baseline, by how much, how sure, and what it hangs on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from evalkit.comparison import Comparison, Entry, Field, Plan, compare, explore, pair, pool, tied_with
from evalkit.comparison.contenders import extremes
from evalkit.comparison.sensitivity import Sensitivity, sensitivity
from evalkit.comparison.slices import Slice, slices
from evalkit.records import Qrels, Query
from evalkit.stats import Interval
from evalkit.summaries.quality_cells import Cell


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


def fields_of(
    cells: Iterable[Cell],
    first_stage: str,
    qrels: Mapping[str, Qrels],
    queries: Mapping[str, Mapping[str, Query]],
    depth: int,
) -> list[Field]:
    """Return one field for every dataset, of its cells at one depth."""
    held: dict[str, dict[str, Entry]] = {name: {} for name in qrels}
    for cell in cells:
        if cell.depth == depth:
            held[cell.dataset][cell.reranker] = Entry(cell.reranker, cell.run, cell.values, cell.not_scored)
    return [
        Field(name, qrels[name], entries, queries.get(name, {}), entries[first_stage].run, depth)
        for name, entries in held.items()
    ]


def compare_fields(fields: Sequence[Field], plan: Plan) -> dict[str, Any]:
    """Return the content of ``comparisons.json``."""
    return {
        "schema_version": 1,
        "plan": asdict(plan),
        "datasets": [_dataset(field, plan) for field in fields],
        "pooled": [asdict(one) for one in pool(fields, plan)] if len(fields) > 1 else [],
    }


def _dataset(field: Field, plan: Plan) -> dict[str, Any]:
    primary = compare(field, plan)
    contenders = [one.contender for one in primary if one.n]
    return {
        "dataset": field.dataset,
        "depth": field.depth,
        "unscored": {name: len(entry.unscored) for name, entry in field.entries.items() if entry.unscored},
        "comparisons": [asdict(one) for one in primary],
        "tied_with": tied_with(field, plan),
        "exploratory": [_exploratory(one) for one in explore(field, plan)],
        "sensitivity": [_sensitivity(sensitivity(field, plan, name)) for name in contenders],
        "slices": [_slice(one) for name in contenders for one in slices(field, plan, name)],
        "extremes": {name: _extremes(field, plan, name) for name in contenders},
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


def _extremes(field: Field, plan: Plan, name: str) -> dict[str, list[dict[str, Any]]]:
    paired = pair(field.entries[plan.baseline].values, field.entries[name].values, plan.primary)
    return {
        which: [
            {
                "query_id": query_id,
                "text": field.queries[query_id].text if query_id in field.queries else None,
                "baseline": baseline,
                "contender": contender,
            }
            for query_id, baseline, contender in rows
        ]
        for which, rows in extremes(paired).items()
    }
