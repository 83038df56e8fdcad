"""Compute ``comparisons.json``: differences from the baseline, their significance, and what they depend on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from evalkit.comparison import (
    Comparison,
    ComparisonSet,
    Plan,
    System,
    across_datasets,
    compare_all,
    explore,
    pair,
    pool,
    tied_on_each,
)
from evalkit.comparison.contenders import extremes
from evalkit.comparison.corrected_pairs import of_people, unanswered_of, unrated_of
from evalkit.comparison.missing_queries import share_candidates
from evalkit.comparison.sensitivity import Sensitivity, sensitivity
from evalkit.comparison.slices import Slice, slices
from evalkit.comparison.unjudged_documents import (
    lists_relevant_only,
    pooled_with_unjudged,
    reversal_probability,
    to_judge,
    unjudged_matter,
    with_unjudged,
)
from evalkit.records import Coverage, DatasetOrigin, Qrels, Query, QuerySample, Run
from evalkit.results.comparison_document import (
    Comparisons,
    DatasetComparisons,
    ExploratoryRow,
    ExtremeQuery,
    Extremes,
    MeanOnly,
    SliceRow,
    ToAskJudge,
    ToRate,
)
from evalkit.results.coverage_row import CoverageRow
from evalkit.results.recorded_config import RecordedConfig
from evalkit.stats import Interval
from evalkit.summaries.candidate_runs import candidate_lists
from evalkit.summaries.human_widths import human_widths
from evalkit.summaries.quality_cells import QualityCell
from evalkit.summaries.side_by_side import side_by_side
from evalkit.summaries.system_means import mean_of_system, system_mean
from evalkit.summaries.weighted_means import weighted_means


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
    config: RecordedConfig,
    origins: Mapping[str, DatasetOrigin],
) -> list[ComparisonSet]:
    """Return one comparison set for each dataset, with the cells at the deepest depth and the runs as its systems."""
    depth = config.depth
    by_dataset: dict[str, dict[str, System]] = {name: {} for name in qrels}
    for cell in cells:
        if cell.depth in {depth, None}:
            by_dataset[cell.dataset][cell.reranker] = System(
                cell.reranker,
                cell.run,
                cell.values,
                cell.not_scored,
                cell.placed_last,
                own_candidates=cell.depth is None,
                reranked=cell.reranked,
                coverage=cell.coverage,
                missing_as_zero=cell.missing_as_zero,
            )
    sets = [
        ComparisonSet(
            name,
            qrels[name],
            _with_candidate_coverage(systems, systems[first_stage].run, qrels[name], config),
            queries.get(name, {}),
            systems[first_stage].run,
            depth,
            below_depth=config.below_depth,
        )
        for name, systems in by_dataset.items()
    ]
    return [_as_configured(one, origins.get(one.dataset)) for one in sets]


def _with_candidate_coverage(
    systems: Mapping[str, System], candidates: Run, judged: Qrels, config: RecordedConfig
) -> Mapping[str, System]:
    """Return systems that know what the file of their candidates lacks.

    Among themselves they lack the same queries; a run that has these queries would win them against an absent list.
    """
    stated = config.missing_candidates
    if stated is None:
        return systems
    found = Coverage.of(candidates, judged)
    return {
        name: system
        if system.own_candidates
        else replace(system, coverage=found, missing_as_zero=stated == "zero")
        for name, system in systems.items()
    }


def _as_configured(comparison_set: ComparisonSet, origin: DatasetOrigin | None) -> ComparisonSet:
    """Return a comparison set with what the configuration says of its queries and judgments."""
    if origin is None:
        return comparison_set
    return replace(
        comparison_set,
        cluster_field=origin.cluster_field,
        unjudged=origin.unjudged,
        sample=QuerySample.of_queries(comparison_set.queries, origin),
        judged_by=origin.judged_by,
    )


def compare_sets(comparison_sets: Sequence[ComparisonSet], plan: Plan) -> Comparisons:
    """Return the content of ``comparisons.json``."""
    tested = compare_all(comparison_sets, plan)
    judged = [_as_judged(one, plan, rows) for one, rows in zip(comparison_sets, tested, strict=True)]
    evidence = [_evidence(one, plan, rows) for one, rows in zip(judged, tested, strict=True)]
    compared = [
        tuple(
            with_unjudged(sets[row.contender], row, found[row.contender]) if row.contender in found else row
            for row in rows
        )
        for sets, rows, found in zip(judged, tested, evidence, strict=True)
    ]
    ties = tied_on_each(comparison_sets, plan, compared)
    datasets = tuple(
        replace(_dataset(one, plan, rows, found), tied_with=tied)
        for one, rows, found, tied in zip(comparison_sets, compared, evidence, ties, strict=True)
    )
    several = len(comparison_sets) > 1
    return Comparisons(
        plan=plan,
        datasets=datasets,
        pooled=_pooled(comparison_sets, plan, compared, (judged, evidence)) if several else (),
        across=tuple(across_datasets(compared, plan)) if several else (),
    )


def _pooled(
    comparison_sets: Sequence[ComparisonSet],
    plan: Plan,
    compared: Sequence[tuple[Comparison, ...]],
    checked: tuple[Sequence[Mapping[str, ComparisonSet]], Sequence[Mapping[str, Sensitivity]]],
) -> tuple[Comparison, ...]:
    """Return the comparisons of all datasets together, with claims withheld that no dataset was checked for."""
    found = {one.contender: one for one in pool(comparison_sets, plan, compared)}
    for sets, rows, known in zip(checked[0], compared, checked[1], strict=True):
        for row in rows:
            name = row.contender
            if name in found and name in known:
                found[name] = pooled_with_unjudged(found[name], sets[name], row, known[name])
    return tuple(found.values())


def _dataset(
    comparison_set: ComparisonSet,
    plan: Plan,
    primary: tuple[Comparison, ...],
    evidence: Mapping[str, Sensitivity],
) -> DatasetComparisons:
    """Return the comparisons of one dataset, without ties."""
    systems = comparison_set.systems
    undecided = [one.contender for one in primary if one.verdict == "undecided: unjudged documents"]
    return DatasetComparisons(
        dataset=comparison_set.dataset,
        depth=comparison_set.depth,
        unscored={name: len(system.unscored) for name, system in systems.items() if system.unscored},
        comparisons=primary,
        tied_with={},
        exploratory=tuple(map(_exploratory, explore(comparison_set, plan))),
        sensitivity=tuple(evidence.values()),
        slices=tuple(_slice(one) for name in evidence for one in slices(comparison_set, plan, name)),
        extremes={name: _extremes(comparison_set, plan, name) for name in evidence},
        baseline_mean=_baseline_mean(comparison_set, plan, primary),
        relevant_only=lists_relevant_only(comparison_set.qrels) and comparison_set.unjudged == "unknown",
        unjudged=comparison_set.unjudged,
        to_judge=tuple(to_judge(comparison_set, plan, undecided)),
        runs=comparison_set.own_candidates,
        weighted=weighted_means(comparison_set, plan),
        synthetic_queries=comparison_set.synthetic_queries or None,
        candidates=candidate_lists(comparison_set),
        judged_by=comparison_set.judged_by,
        unjudged_queries=comparison_set.unjudged_queries,
        to_rate=_to_rate(comparison_set, plan),
        to_ask_judge=_to_ask_judge(comparison_set, plan),
        withheld=comparison_set.withheld,
        human_widths=tuple(human_widths(comparison_set, plan)) or None,
        coverage={
            name: CoverageRow.of(system.coverage, as_zero=system.missing_as_zero)
            for name, system in systems.items()
            if system.coverage is not None and not share_candidates(comparison_set, systems)
        },
    )


def _to_rate(comparison_set: ComparisonSet, plan: Plan) -> ToRate | None:
    unrated = unrated_of(comparison_set, list(comparison_set.systems), plan.primary)
    return ToRate(len({query_id for query_id, _ in unrated}), len(unrated)) if unrated else None


def _to_ask_judge(comparison_set: ComparisonSet, plan: Plan) -> ToAskJudge | None:
    pairs = unanswered_of(comparison_set, list(comparison_set.systems), plan.primary)
    if comparison_set.correction is None or not pairs:
        return None
    queries = len({query_id for query_id, _ in pairs})
    return ToAskJudge(comparison_set.correction.tag, queries, len(pairs))


def _as_judged(
    comparison_set: ComparisonSet, plan: Plan, rows: Sequence[Comparison]
) -> dict[str, ComparisonSet]:
    """Return contender -> the judgments that its claim rests on: of a corrected one those of people, of their draw."""
    if all(row.corrected is None for row in rows):
        return {row.contender: comparison_set for row in rows}
    drawn = of_people(comparison_set, plan.primary)
    return {row.contender: comparison_set if row.corrected is None else drawn for row in rows}


def _evidence(
    judged: Mapping[str, ComparisonSet], plan: Plan, rows: Sequence[Comparison]
) -> dict[str, Sensitivity]:
    """Return contender -> sensitivity, without the contenders that have no evidence."""
    known = [row for row in rows if row.has_evidence]
    found = side_by_side(lambda row: _sensitivity(judged[row.contender], plan, row), known)
    return {row.contender: of_row for row, of_row in zip(known, found, strict=True)}


def _sensitivity(comparison_set: ComparisonSet, plan: Plan, one: Comparison) -> Sensitivity:
    found = sensitivity(comparison_set, plan, one.contender)
    if not unjudged_matter(comparison_set, plan.primary) or one.verdict not in {"better", "worse"}:
        return found
    return replace(found, reversal=reversal_probability(comparison_set, plan, one.contender))


def _baseline_mean(
    comparison_set: ComparisonSet, plan: Plan, primary: Sequence[Comparison]
) -> Interval | None:
    """Return the mean of the baseline: corrected only if that of a contender is, as both are of the same queries."""
    if plan.baseline not in comparison_set.systems:
        return None
    compared = [row for row in primary if row.n]
    if compared and all(row.corrected is None for row in compared):
        values = comparison_set.systems[plan.baseline].values
        return system_mean(values, plan.primary, comparison_set.query_clusters, plan.confidence)
    return mean_of_system(comparison_set, plan.baseline, plan.primary, plan.confidence)


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
            ExtremeQuery(
                query_id, queries[query_id].instructed_text if query_id in queries else None, before, after
            )
            for query_id, before, after in rows
        )
        for side, rows in extremes(pair(baseline.values, contender.values, plan.primary)).items()
    }
    return Extremes(sides["worst"], sides["best"])
