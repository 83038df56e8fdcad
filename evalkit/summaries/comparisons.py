"""Compute ``comparisons.json``: differences from the baseline, their significance, and what they depend on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
from evalkit.comparison.sensitivity import sensitivity
from evalkit.comparison.slices import Slice, slices
from evalkit.records import Qrels, Query
from evalkit.results.comparison_document import (
    Comparisons,
    DatasetComparisons,
    ExploratoryRow,
    ExtremeQuery,
    Extremes,
    MeanOnly,
    SliceRow,
)
from evalkit.results.recorded_config import RecordedConfig
from evalkit.stats import Interval
from evalkit.summaries.quality_cells import QualityCell


def plan_of(config: RecordedConfig, first_stage: str) -> Plan:
    """Return the comparison plan of a configuration; the baseline is the first stage unless one is named."""
    settings = config.compare
    return Plan(
        baseline=settings.baseline or first_stage,
        primary=config.primary,
        confidence=settings.confidence,
        margin=settings.margin,
        correction=settings.correction,
        resamples=settings.resamples,
        seed=config.seed,
    )


def sets_at_depth(
    cells: Iterable[QualityCell],
    first_stage: str,
    qrels: Mapping[str, Qrels],
    queries: Mapping[str, Mapping[str, Query]],
    depth: int,
    cluster_fields: Mapping[str, str | None],
) -> list[ComparisonSet]:
    """Return one comparison set for each dataset, with the cells at one depth as its systems."""
    by_dataset: dict[str, dict[str, System]] = {name: {} for name in qrels}
    for cell in cells:
        if cell.depth == depth:
            by_dataset[cell.dataset][cell.reranker] = System(
                cell.reranker, cell.run, cell.values, cell.not_scored
            )
    return [
        ComparisonSet(
            name,
            qrels[name],
            systems,
            queries.get(name, {}),
            systems[first_stage].run,
            depth,
            cluster_fields.get(name),
        )
        for name, systems in by_dataset.items()
    ]


def compare_sets(comparison_sets: Sequence[ComparisonSet], plan: Plan) -> Comparisons:
    """Return the content of ``comparisons.json``."""
    return Comparisons(
        plan=plan,
        datasets=tuple(_dataset(one, plan) for one in comparison_sets),
        pooled=tuple(pool(comparison_sets, plan)) if len(comparison_sets) > 1 else (),
    )


def _dataset(comparison_set: ComparisonSet, plan: Plan) -> DatasetComparisons:
    primary = compare(comparison_set, plan)
    contenders = [one.contender for one in primary if one.n]
    systems = comparison_set.systems
    return DatasetComparisons(
        dataset=comparison_set.dataset,
        depth=comparison_set.depth,
        unscored={name: len(system.unscored) for name, system in systems.items() if system.unscored},
        comparisons=tuple(primary),
        tied_with=tied_with(comparison_set, plan),
        exploratory=tuple(map(_exploratory, explore(comparison_set, plan))),
        sensitivity=tuple(sensitivity(comparison_set, plan, name) for name in contenders),
        slices=tuple(_slice(one) for name in contenders for one in slices(comparison_set, plan, name)),
        extremes={name: _extremes(comparison_set, plan, name) for name in contenders},
    )


def _exploratory(one: Comparison) -> ExploratoryRow:
    """Return the fields of a comparison that are shown for an exploratory metric."""
    return ExploratoryRow(**{name: getattr(one, name) for name in ExploratoryRow.__dataclass_fields__})


def _slice(found: Slice) -> SliceRow:
    return SliceRow(
        contender=found.contender,
        by=found.by,
        level=found.level,
        baseline_mean=_mean(found.baseline_mean),
        contender_mean=_mean(found.contender_mean),
        difference=found.difference,
    )


def _mean(interval: Interval) -> MeanOnly:
    return MeanOnly(interval.estimate, interval.lower, interval.upper)


def _extremes(comparison_set: ComparisonSet, plan: Plan, name: str) -> Extremes:
    baseline, contender = comparison_set.systems[plan.baseline], comparison_set.systems[name]
    queries = comparison_set.queries
    sides = {
        side: tuple(
            ExtremeQuery(query_id, queries[query_id].text if query_id in queries else None, before, after)
            for query_id, before, after in rows
        )
        for side, rows in extremes(pair(baseline.values, contender.values, plan.primary)).items()
    }
    return Extremes(sides["worst"], sides["best"])
