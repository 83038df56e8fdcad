"""Sensitivity of a mean difference to unjudged documents and to tied scores."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalkit.comparison.comparison_set import ComparisonSet, Paired, System, pair
from evalkit.comparison.plan import Plan
from evalkit.metrics import evaluate, has_tie_bounds, parse_metric, tie_bounds, usual_grade
from evalkit.metrics.token_budget import cut_run
from evalkit.records import MetricValues, Qrels, Run
from evalkit.stats import Interval, difference_mean_interval

NEAR_TOP = 100
"""Number of ranks in which unjudged documents are counted if the metric has no cutoff."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The mean difference, contender minus baseline, under other judgments and other orders of tied documents.

    Attributes
    ----------
    cutoff
        Number of ranks in which judged and unjudged documents are counted.
    judged_baseline, judged_contender
        Mean share of judged documents above the cutoff.
    unjudged_baseline_only, unjudged_contender_only, unjudged_both
        Unjudged query-document pairs above the cutoff of only one system, or of both.
    condensed
        The difference after unjudged documents are removed from both runs.
    tipping
        Fewest unjudged documents, ranked above the cutoff only by the system with the lower mean, that would
        reverse the sign of the difference if they were relevant. Found by a greedy search. None if not even all
        of them would, or if the difference is 0.
    tipping_of
        Number of unjudged documents that the search for `tipping` starts from.
    reversal
        Probability that the sign reverses if unjudged documents above the cutoff are relevant as often as the judged
        ones there; None if nothing is unjudged, or unjudged documents are known not to be relevant.
    tied_low, tied_high
        The difference with every tie broken against the contender and for the baseline, and the reverse; None
        if evalkit does not compute the metric itself.
    """

    baseline: str
    contender: str
    cutoff: int
    judged_baseline: float
    judged_contender: float
    unjudged_baseline_only: int
    unjudged_contender_only: int
    unjudged_both: int
    condensed: Interval
    tipping: int | None
    tipping_of: int
    tied_low: float | None
    tied_high: float | None
    reversal: float | None = None


def sensitivity(comparison_set: ComparisonSet, plan: Plan, contender: str) -> Sensitivity:
    """Return the sensitivity of the difference between one contender and the baseline."""
    a, b = comparison_set.systems[plan.baseline], comparison_set.systems[contender]
    cutoff = counted_ranks(plan.primary)
    unjudged_a, unjudged_b = (unjudged_pairs(system, comparison_set.qrels, cutoff) for system in (a, b))
    difference = _difference(a.values, b.values, plan.primary)
    loser, loser_only = (a, unjudged_a - unjudged_b) if difference > 0 else (b, unjudged_b - unjudged_a)
    low, high = _tie_bounds(comparison_set, plan, a, b)
    short_a, short_b = (cut_at_metric(system, plan, comparison_set.qrels) for system in (a, b))
    return Sensitivity(
        baseline=plan.baseline,
        contender=contender,
        cutoff=cutoff,
        judged_baseline=_judged(a, b.run, comparison_set.qrels, cutoff),
        judged_contender=_judged(b, a.run, comparison_set.qrels, cutoff),
        unjudged_baseline_only=len(unjudged_a - unjudged_b),
        unjudged_contender_only=len(unjudged_b - unjudged_a),
        unjudged_both=len(unjudged_a & unjudged_b),
        condensed=_condensed(comparison_set, plan, a, b),
        tipping=_judgments_to_reverse(comparison_set, plan, short_a, short_b, loser_only, up=loser is b)
        if difference
        else None,
        tipping_of=len(loser_only),
        tied_low=low,
        tied_high=high,
    )


def counted_ranks(metric: str) -> int:
    """Return the number of ranks in which judged documents are counted: the metric's cutoff, or `NEAR_TOP`."""
    return parse_metric(metric).cutoff or NEAR_TOP


def _values(run: Run, qrels: Qrels, metric: str, like: MetricValues) -> MetricValues:
    """Evaluate a run on the queries of `like`."""
    return evaluate(run, qrels.restricted_to(like.query_ids), [parse_metric(metric)])


def _difference(a: MetricValues, b: MetricValues, metric: str) -> float:
    differences = pair(a, b, metric).differences
    return float(differences.mean()) if len(differences) else 0.0


def unjudged_pairs(system: System, qrels: Qrels, cutoff: int) -> set[tuple[str, str]]:
    """Return the unjudged ``(query_id, doc_id)`` above a cutoff, of the queries that the system has values for."""
    return {
        (query_id, doc_id)
        for query_id in system.values.query_ids
        for doc_id in system.run.docs(query_id)[:cutoff]
        if doc_id not in qrels.of(query_id)
    }


def _judged(system: System, other: Run, qrels: Qrels, cutoff: int) -> float:
    """Return the mean share of judged documents, without queries that only the other system ranks."""
    metric = f"Judged@{cutoff}"
    found = _values(system.run, qrels, metric, system.values).by_query(metric)
    absent = set(other.query_ids) - set(system.run.query_ids)
    shares = [share for query_id, share in found.items() if query_id not in absent]
    return float(np.mean(shares)) if shares else 0.0


def _condensed(comparison_set: ComparisonSet, plan: Plan, a: System, b: System) -> Interval:
    baseline_values, contender_values = (
        _values(
            _judged_only(system.run, comparison_set.qrels), comparison_set.qrels, plan.primary, system.values
        )
        for system in (a, b)
    )
    paired = pair(baseline_values, contender_values, plan.primary)
    return difference_mean_interval(
        paired.baseline,
        paired.contender,
        plan.confidence,
        comparison_set.clusters_of(paired.query_ids),
        paired.limits,
    )


def _judged_only(run: Run, qrels: Qrels) -> Run:
    """Return a run without its unjudged documents (Sakai, "Alternatives to Bpref", SIGIR 2007)."""
    keep = [
        doc_id in of_query
        for query_id, docs, _ in run
        for of_query in (qrels.of(query_id),)
        for doc_id in docs
    ]
    return run.where(np.array(keep, dtype=np.bool_))


def _tie_bounds(
    comparison_set: ComparisonSet, plan: Plan, a: System, b: System
) -> tuple[float | None, float | None]:
    metric = parse_metric(plan.primary)
    if not has_tie_bounds(metric):
        return None, None
    baseline_values, contender_values = (
        tie_bounds(system.run, comparison_set.qrels.restricted_to(system.values.query_ids), [metric])
        for system in (a, b)
    )
    low = _difference(baseline_values.best, contender_values.worst, plan.primary)
    return low, _difference(baseline_values.worst, contender_values.best, plan.primary)


def cut_at_metric(system: System, plan: Plan, qrels: Qrels) -> System:
    """Return the system with its run cut at the metric's cutoff or budget: lower ranks have no influence."""
    metric = parse_metric(plan.primary)
    if metric.budget_tokens is not None:
        return replace(system, run=cut_run(system.run, qrels.restricted_to(system.values.query_ids), metric))
    cutoff = metric.cutoff
    return system if cutoff is None else replace(system, run=system.run.cut(cutoff))


def _judgments_to_reverse(
    comparison_set: ComparisonSet,
    plan: Plan,
    a: System,
    b: System,
    unjudged: set[tuple[str, str]],
    *,
    up: bool,
) -> int | None:
    """Return how many unjudged documents, if relevant, reverse the sign; the largest gains are taken first.

    Queries are independent, so one evaluation measures the gain of one document in every query.

    Parameters
    ----------
    a, b
        Baseline and contender.
    unjudged
        ``(query_id, doc_id)`` of the documents that may be made relevant.
    up
        Whether the difference must become at least 0; otherwise at most 0.
    """
    grade = max(usual_grade(comparison_set.qrels), parse_metric(plan.primary).rel)
    by_query: dict[str, list[str]] = {}
    for query_id, doc_id in sorted(unjudged):
        by_query.setdefault(query_id, []).append(doc_id)
    current = _by_query(pair(a.values, b.values, plan.primary))
    gains: list[tuple[float, str, str]] = []
    for place in range(max(map(len, by_query.values()), default=0)):
        chosen = [(q, docs[place]) for q, docs in by_query.items() if len(docs) > place]
        changed = _by_query(_paired_with(comparison_set, plan, a, b, chosen, grade))
        toward = 1.0 if up else -1.0
        gains += [
            (toward * (changed[q] - current[q]), q, d) for q, d in chosen if q in changed and q in current
        ]
    gains.sort(key=lambda gain: (-gain[0], gain[1:]))
    order = [(q, d) for gain, q, d in gains if gain > 0]

    def reversed_by(count: int) -> bool:
        changed = _by_query(_paired_with(comparison_set, plan, a, b, order[:count], grade))
        mean = np.mean([changed.get(query_id, before) for query_id, before in current.items()])
        return bool(mean >= 0 if up else mean <= 0)

    if not order or not reversed_by(len(order)):
        return None
    low, high = 1, len(order)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reversed_by(middle) else (middle + 1, high)
    return low


def _by_query(paired: Paired) -> dict[str, float]:
    """Return query id -> difference, of the queries for which both values are known."""
    return dict(zip(paired.query_ids, paired.differences.tolist(), strict=True))


def _paired_with(
    comparison_set: ComparisonSet,
    plan: Plan,
    a: System,
    b: System,
    relevant: list[tuple[str, str]],
    grade: int,
) -> Paired:
    grades = {query_id: dict(docs) for query_id, docs in comparison_set.qrels.grades.items()}
    for query_id, doc_id in relevant:
        grades[query_id][doc_id] = grade
    changed = Qrels(grades, tokens=comparison_set.qrels.tokens)
    baseline_values, contender_values = (
        _values(system.run, changed, plan.primary, system.values) for system in (a, b)
    )
    return pair(baseline_values, contender_values, plan.primary)
