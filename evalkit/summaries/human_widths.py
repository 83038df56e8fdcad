"""How wide the intervals of a dataset are by the number of human-judged queries, where people judged a random draw."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.correction import Correction
from evalkit.metrics import parse_metric
from evalkit.results.width_rows import HumanWidths, WidthRow
from evalkit.stats import CorrectionPlan, cluster_sums, clusters_at, count_clusters, pilot_correlation

Values = NDArray[np.float64]


def human_widths(comparison_set: ComparisonSet, plan: Plan) -> Iterator[HumanWidths]:
    """Yield the widths of each contender; none without a draw, a judge, or enough queries that people judged.

    The queries so far are a pilot: its correlation and its standard deviation are taken for those of all queries.
    """
    correction = comparison_set.correction
    if correction is None or plan.baseline not in comparison_set.systems:
        return
    if parse_metric(plan.primary).run_metric is not None:
        return
    for name in comparison_set.systems:
        if name != plan.baseline:
            found = _widths(comparison_set, correction, plan, name)
            if found is not None:
                yield found


def _widths(
    comparison_set: ComparisonSet, correction: Correction, plan: Plan, contender: str
) -> HumanWidths | None:
    human, judged = _differences(comparison_set, correction, plan, contender)
    pilot = pilot_correlation(human, judged)
    if pilot is None:
        return None
    clusters = comparison_set.clusters_of(correction.query_ids)
    queries = count_clusters(clusters, len(correction.query_ids))
    deviation = float(human.std(ddof=1))
    plans = [CorrectionPlan(queries, deviation, correlation) for correlation in pilot]
    expected, worst, best = (one.widths(len(human)) for one in plans)
    return HumanWidths(
        contender=contender,
        judge=correction.judge,
        human=len(human),
        queries=queries,
        correlation=pilot[0],
        correlation_lower=pilot[1],
        correlation_upper=pilot[2],
        deviation=deviation,
        margin=plan.margin,
        for_margin=plans[0].human_for_width(plan.margin),
        rows=tuple(
            WidthRow(one.human, one.half_width, narrow.half_width, wide.half_width, one.alone)
            for one, wide, narrow in zip(expected, worst, best, strict=True)
        ),
    )


def _differences(
    comparison_set: ComparisonSet, correction: Correction, plan: Plan, contender: str
) -> tuple[Values, Values]:
    """Return the differences of the drawn queries that people judged completely, by their grades and the judge's.

    With clusters, the means of those of which every drawn query is known.
    """
    systems = [comparison_set.systems[name] for name in (plan.baseline, contender)]
    runs = [one.run for one in systems]
    unrated = {query_id for query_id, _ in correction.unrated(runs, plan.primary)}
    grades = correction.counted_grades(runs, plan.primary)
    baseline, other = (correction.values(one.run, one.unscored, plan.primary, grades) for one in systems)
    n = len(correction.drawn)
    human = _of_ratio(other.human - baseline.human, baseline.has_human * other.has_human)
    judged = _of_ratio((other.judged - baseline.judged)[:n], (baseline.has_judged * other.has_judged)[:n])
    left_out = np.isnan(human + judged)
    left_out |= np.array([query_id in unrated for query_id in correction.drawn])
    clusters = comparison_set.clusters_of(correction.drawn)
    if clusters is not None:
        left_out = np.isin(clusters, clusters[left_out])
    kept = np.flatnonzero(~left_out)
    sums = cluster_sums(
        np.column_stack([human, judged, np.ones(len(human))])[kept], clusters_at(clusters, kept)
    )
    return sums[:, 0] / sums[:, 2], sums[:, 1] / sums[:, 2]


def _of_ratio(differences: Values, averaged: Values) -> Values:
    """Return the values whose mean varies as that of the averaged queries does: the others count as drawn, too."""
    if not (averaged > 0).any():
        return differences
    share = np.nanmean(averaged)
    values: Values = (differences - np.nansum(differences) / np.nansum(averaged) * averaged) / share
    return values
