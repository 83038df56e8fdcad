"""The values of two systems that a comparison rests on: those of people, of people and a judge, or of a mixture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from evalkit.comparison.comparison_set import ComparisonSet, Paired
from evalkit.comparison.corrected_sides import JudgedPools, RankedSide, pair_of_sides
from evalkit.comparison.correction import Correction, JudgedSide
from evalkit.comparison.counted_lists import counted_lists
from evalkit.comparison.plan import Corrected
from evalkit.metrics import evaluate, parse_metric
from evalkit.stats import (
    CorrectedMeans,
    CorrectionPlan,
    MeanError,
    corrected_means,
    count_clusters,
    mean_error,
)
from evalkit.stats.clusters import cluster_sums, clusters_at


def compared_pair(comparison_set: ComparisonSet, baseline: str, contender: str, metric: str) -> Paired:
    """Return the values that a comparison of two systems rests on; see `compared_pairs`."""
    return compared_pairs(comparison_set, [(baseline, contender)], metric)[0]


def compared_pairs(
    comparison_set: ComparisonSet, pairs: Sequence[tuple[str, str]], metric: str
) -> list[Paired]:
    """Return the values that comparisons of baselines with contenders rest on.

    With a correction these are the values of the drawn queries under grades of people, with the judge's; a drawn query
    without a relevant document is in `Paired.judged` only. Where a drawn
    query is not completely judged by people, or a system has no scores for it, they are those of all judgments, which
    carry no claim.
    """
    correction = comparison_set.correction
    if correction is None:
        return [comparison_set.pair(*names, metric) for names in pairs]
    sides = sides_of(comparison_set)
    known = {name: sides[name].values(metric) for name in dict.fromkeys(chain.from_iterable(pairs))}

    def paired(names: tuple[str, str]) -> Paired:
        first, second = (known[name] for name in names)
        if first is None or second is None:
            return comparison_set.pair(*names, metric)
        found = pair_of_sides(correction.draw, (first, second), metric, comparison_set.query_clusters)
        unlike = _unlike([sides[name] for name in names], correction, metric)
        return found if found.judged is None else replace(found, judged=replace(found.judged, unlike=unlike))

    return [paired(names) for names in pairs]


def _unlike(sides: Sequence[RankedSide], correction: Correction, metric: str) -> frozenset[str]:
    """Return the queries outside the draw at which a metric counts different lists of two systems."""
    tokens = correction.judged.tokens
    lists = [counted_lists(side.run, correction.others, metric, tokens) for side in sides]
    rows = zip(correction.others, *lists, strict=True)
    return frozenset(query_id for query_id, first, second in rows if first != second)


def sides_of(comparison_set: ComparisonSet) -> dict[str, RankedSide]:
    """Return each system with what its corrected values are made of; empty without a draw."""
    if comparison_set.correction is None:
        return {}
    systems = comparison_set.systems
    pools = JudgedPools(comparison_set.correction, tuple(one.run for one in systems.values()))
    return {name: RankedSide(pools, one.run, one.unscored) for name, one in systems.items()}


def of_people(comparison_set: ComparisonSet, metric: str) -> ComparisonSet:
    """Return the drawn queries of a set with the values of a metric under grades of people alone."""
    correction = comparison_set.correction
    if correction is None:
        return comparison_set
    qrels = correction.people.restricted_to(correction.drawn).with_tokens(comparison_set.qrels.tokens)
    systems = {
        name: replace(
            one,
            values=evaluate(one.run, qrels, [parse_metric(metric)]),
            unscored=tuple(query_id for query_id in one.unscored if query_id in qrels.grades),
        )
        for name, one in comparison_set.systems.items()
    }
    return replace(comparison_set, qrels=qrels, systems=systems)


def corrected_mean(comparison_set: ComparisonSet, name: str, metric: str) -> MeanError | None:
    """Return the corrected mean of one system; None where the difference of no pair with it is corrected."""
    pair = compared_pair(comparison_set, name, name, metric)
    found = corrected_of(pair)
    return None if found is None else found.of(1)


def unrated_of(comparison_set: ComparisonSet, names: Sequence[str], metric: str) -> list[tuple[str, str]]:
    """Return the pairs of drawn queries that people still have to judge for some systems; none without a draw."""
    if comparison_set.correction is None:
        return []
    runs = [comparison_set.systems[name].run for name in names]
    return list(comparison_set.correction.unrated(runs, metric))


def unanswered_of(comparison_set: ComparisonSet, names: Sequence[str], metric: str) -> list[tuple[str, str]]:
    """Return the pairs that the judge still has to be asked for, for some systems; none without a draw."""
    if comparison_set.correction is None:
        return []
    runs = [comparison_set.systems[name].run for name in names]
    return list(comparison_set.correction.unanswered(runs, metric))


def corrected_of(paired: Paired) -> CorrectedMeans | None:
    """Return the corrected means of the difference and of the baseline; None without a judge's values."""
    side = paired.judged
    if side is None or not len(paired.query_ids):
        return None
    human = np.zeros((len(side.averaged), 2))
    human[side.averaged > 0] = np.column_stack([paired.differences, paired.baseline])
    judged = np.column_stack([side.differences, side.baseline])
    return corrected_means(human, judged, side.clusters, (side.averaged, side.has_judged), paired.limits)


def with_judge(paired: Paired) -> CorrectedMeans | None:
    """Return the corrected means of a pair; None where no value of a judge has a weight in its difference."""
    found = corrected_of(paired)
    return found if found is not None and found.weights[0] > 0 else None


def difference_of(paired: Paired) -> MeanError | None:
    """Return the mean difference with its error, corrected where a judge's values are known; None without queries."""
    if not len(paired.query_ids):
        return None
    found = corrected_of(paired)
    return mean_error(paired.differences, paired.clusters) if found is None else found.of(0)


def corrected_basis(paired: Paired, found: CorrectedMeans, column: int = 0) -> Corrected:
    """Return what a corrected difference rests on; with `column` 1, what the corrected mean of the baseline does."""
    side = paired.judged
    ungraded = frozenset[str]() if side is None else side.ungraded
    others = () if side is None else side.query_ids[len(side.averaged) :]
    return Corrected(
        judge="" if side is None else side.judge,
        human=found.n,
        judged_only=found.judged_only - (lost := sum(query_id in ungraded for query_id in others)),
        weight=float(found.weights[column]),
        too_rarely_wrong=bool(found.too_rarely_wrong[column]),
        declared=side is not None and side.declared,
        ungraded=len(ungraded),
        ungraded_drawn=len(ungraded) - lost,
        enlarged=paired.enlarged,
    )


def in_part(paired: Paired, query_ids: Sequence[str]) -> Paired:
    """Return the values of some queries, and of the judge's queries among them."""
    found, side = paired.restricted_to(query_ids), paired.judged
    if side is None:
        return found
    wanted = set(query_ids)
    rows = np.array(
        [row for row, query_id in enumerate(side.query_ids) if query_id in wanted], dtype=np.int64
    )
    clusters = None if side.clusters is None else np.unique(side.clusters[rows], return_inverse=True)[1]
    kept = tuple(side.query_ids[row] for row in rows.tolist())
    return replace(
        found,
        judged=JudgedSide(
            side.judge,
            kept,
            side.baseline[rows],
            side.contender[rows],
            side.averaged[rows[rows < len(side.averaged)]],
            side.has_judged[rows],
            None if clusters is None else clusters.astype(np.int64),
            side.declared,
            side.ungraded & wanted,
            side.enlarged,
            side.unlike & wanted,
        ),
    )


def correction_plan(paired: Paired, found: CorrectedMeans) -> CorrectionPlan | None:
    """Return what more queries of people are worth for a corrected difference, with its deviation and correlation.

    The queries are all that the judge graded, of which people can judge more; with clusters the plan counts these.
    None where nothing is known: the difference has no error, or no judge.
    """
    side, of_mean = paired.judged, found.of(0)
    if side is None or not of_mean.error > 0:
        return None
    of_draw = side.differences[: len(side.averaged)][side.averaged > 0]
    columns = np.column_stack([paired.differences, of_draw])
    sums = cluster_sums(columns - np.mean(columns, axis=0), paired.clusters)
    varies = bool(sums.std(axis=0).all()) and not found.too_rarely_wrong[0]
    correlations = np.atleast_2d(np.corrcoef(sums.T)) if varies else np.zeros((2, 2))
    correlation = float(correlations[0, 1])
    rows = np.flatnonzero(side.has_judged > 0)  # people's queries without a relevant document add nothing
    total = count_clusters(clusters_at(side.clusters, rows), len(rows))
    of_people = mean_error(paired.differences, paired.clusters)
    return CorrectionPlan(total, of_people.error * math.sqrt(of_people.clusters), correlation)
