"""Check that a claim does not rest on queries that failed or are missing: these may be the hardest queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.comparison_set import ComparisonSet, Paired, System
from evalkit.comparison.missing_queries import missing_of_both
from evalkit.comparison.plan import MISSING, UNKNOWN, Comparison, Plan, Verdict
from evalkit.metrics import parse_metric
from evalkit.records import ValueRange
from evalkit.stats import MIN_QUERIES, Clusters, count_clusters, sign_flip

Values = NDArray[np.float64]

_CLAIMS = ("better", "worse", "identical")


def holds_with_failures(comparison_set: ComparisonSet, plan: Plan, size: int, one: Comparison) -> Comparison:
    """Return a comparison; its verdict is withheld if it rests on queries that failed, or have no value or ranking.

    It is kept if it is significant, too, with these queries counted against it, and over the queries that both runs
    rank. A corrected claim is withheld without such a check: that would rest on grades of people and models alike.

    Parameters
    ----------
    comparison_set, plan
        The systems, and how they are compared.
    size
        Number of comparisons in the family, for Bonferroni's correction.
    one
        A comparison of the queries that both systems have.
    """
    if one.verdict not in _CLAIMS:
        return one
    reason = reason_to_withhold(comparison_set, one)
    if one.corrected is not None:
        return replace(one, verdict=reason or one.verdict)
    if reason is None or (one.verdict == "identical" and not one.left_out):
        return one  # values may be equal without a ranking
    sign, names = {"better": 1, "worse": -1}.get(one.verdict, 0), (one.baseline, one.contender)
    held = sign != 0 and difference_holds(comparison_set, plan, size, names, sign)
    return one if held else replace(one, verdict=reason)


def difference_holds(
    comparison_set: ComparisonSet, plan: Plan, size: int, names: tuple[str, str], sign: int
) -> bool:
    """Return whether the sign of a significant difference does not depend on queries that only one system has.

    Parameters
    ----------
    comparison_set, plan, size
        See `holds_with_failures`.
    names
        The two systems.
    sign
        1 if the second one has the higher mean, -1 if it has the lower.
    """
    return all(
        _shows(sign, differences, comparison_set.clusters_of(query_ids), plan, size)
        for differences, query_ids in _other_readings(comparison_set, plan.primary, names, sign)
    )


def _shows(sign: int, differences: Values, clusters: Clusters | None, plan: Plan, size: int) -> bool:
    """Return whether differences have a mean of the given sign that is significant with Bonferroni's correction."""
    if not len(differences) or sign * differences.mean() <= 0:
        return False
    p = float(sign_flip(differences[:, None], plan.resamples, plan.seed, clusters=clusters).p[0])
    return p * size <= plan.alpha


def _other_readings(
    comparison_set: ComparisonSet, metric: str, names: tuple[str, str], sign: int
) -> Iterator[tuple[Values, tuple[str, ...]]]:
    """Yield differences and query ids: failures scored against the claim, and queries that both runs rank."""
    systems = comparison_set.systems[names[0]], comparison_set.systems[names[1]]
    values = [entry.values.by_query(metric) for entry in systems]
    lost, in_both = missing_of_both(comparison_set, *names), failed_in_both(*systems)
    if in_both or any(lost) or values[0].keys() != values[1].keys():
        known = [
            {q: v for q, v in mine.items() if q not in out} for mine, out in zip(values, lost, strict=True)
        ]
        limits = parse_metric(metric).limits
        yield _least_favourable(known, (*in_both, *sorted(lost[0] & lost[1])), sign, limits)
    if any(lost) or _unexplained(*systems):
        ranked = [_ranked(entry) for entry in systems]
        query_ids = tuple(q for q in values[0] if q in values[1] and q in ranked[0] and q in ranked[1])
        yield np.array([values[1][q] - values[0][q] for q in query_ids]), query_ids


def reason_to_withhold(comparison_set: ComparisonSet, one: Comparison) -> Verdict | None:
    """Return the verdict of a claim that does not hold without some queries; None if it rests on no such query."""
    if one.corrected is not None:
        return reason_of_pair(comparison_set, (one.baseline, one.contender))
    systems = comparison_set.systems[one.baseline], comparison_set.systems[one.contender]
    lost = any(missing_of_both(comparison_set, one.baseline, one.contender))
    if one.left_out:
        unknown = any(len(each.values.known(one.metric)) < len(each.values.query_ids) for each in systems)
        if unknown and not any(each.unscored for each in systems):
            return MISSING if lost else UNKNOWN
        return "undecided: failed queries"
    if lost:
        return MISSING
    return "undecided: failed queries" if _unexplained(*systems) else None


def reason_of_pair(comparison_set: ComparisonSet, names: tuple[str, str]) -> Verdict | None:
    """Return the verdict of a corrected claim on two systems of which a query failed, is missing or has no ranking."""
    systems = comparison_set.systems[names[0]], comparison_set.systems[names[1]]
    if any(one.unscored for one in systems):
        return "undecided: failed queries"
    if any(missing_of_both(comparison_set, *names)):
        return MISSING
    drawn = comparison_set.correction
    asked = set() if drawn is None else set(drawn.query_ids)
    return "undecided: failed queries" if asked & (_ranked(systems[0]) ^ _ranked(systems[1])) else None


def failed_in_both(baseline: System, contender: System) -> tuple[str, ...]:
    """Return the queries without scores from either system."""
    return tuple(query_id for query_id in baseline.unscored if query_id in set(contender.unscored))


def has_few_rankings(paired: Paired, baseline: System, contender: System) -> bool:
    """Return whether too few of the queries have a ranking at all, e.g. as the file of candidates was cut off.

    A query without a ranking from either system has the difference 0: it is no observation of the systems. Where no
    ranking is known, nothing is left out.
    """
    ranked = {*baseline.run.query_ids, *contender.run.query_ids}
    seen = paired.restricted_to([query_id for query_id in paired.query_ids if query_id in ranked])
    return bool(ranked) and count_clusters(seen.clusters, len(seen.query_ids)) < MIN_QUERIES


def ranked_by_one(baseline: System, contender: System) -> int:
    """Return the number of queries that have values from both systems and a ranking from only one."""
    shared = set(baseline.values.query_ids) & set(contender.values.query_ids)
    return len(shared & (set(baseline.run.query_ids) ^ set(contender.run.query_ids)))


def _ranked(system: System) -> set[str]:
    """Return the queries that a system ranks documents for, or is stated to have found nothing for."""
    stated = system.coverage.missing if system.coverage is not None and system.missing_as_zero else ()
    return {*system.run.query_ids, *stated}


def _unexplained(baseline: System, contender: System) -> set[str]:
    """Return the queries that only one system ranks, without those that the other is stated to have nothing for."""
    shared = set(baseline.values.query_ids) & set(contender.values.query_ids)
    return shared & (_ranked(baseline) ^ _ranked(contender))


def _least_favourable(
    values: Sequence[Mapping[str, float]], in_both: Sequence[str], sign: int, limits: ValueRange
) -> tuple[Values, tuple[str, ...]]:
    """Return ``(n,)`` differences over all queries, failures scored against the claim, and the query ids.

    A failed query of the system that is claimed to be better has the metric's lowest value; one of the other system
    has the highest. Where there is none, no claim holds.
    """
    low, high = limits.lowest, limits.highest
    fill_baseline, fill_contender = (high, low) if sign > 0 else (low, high)
    query_ids = tuple(dict.fromkeys([*values[0], *values[1], *in_both]))
    differences = [values[1].get(q, fill_contender) - values[0].get(q, fill_baseline) for q in query_ids]
    return np.array(differences), query_ids
