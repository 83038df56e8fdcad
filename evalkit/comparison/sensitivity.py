"""Sensitivity of a mean difference to unjudged documents and to tied scores."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalkit.comparison.comparison_set import ComparisonSet, System, pair
from evalkit.comparison.counted_documents import CountedDocuments, Pairs
from evalkit.comparison.more_judgments import MoreJudgments, each_alone, one_after_the_other
from evalkit.comparison.plan import Plan
from evalkit.metrics import evaluate, has_tie_bounds, parse_metric, tie_bounds, usual_grade
from evalkit.metrics.row_grades import row_grades
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
    counted = CountedDocuments.of(a, b, comparison_set.qrels, cutoff)
    unjudged_a, unjudged_b = counted.unjudged
    a_only, b_only = counted.without(unjudged_a, unjudged_b), counted.without(unjudged_b, unjudged_a)
    difference = _difference(a.values, b.values, plan.primary)
    loser_only = a_only if difference > 0 else b_only
    low, high = _tie_bounds(comparison_set, plan, a, b)
    short_a, short_b = (cut_at_metric(system, plan, comparison_set.qrels) for system in (a, b))
    more = MoreJudgments(short_a, short_b, counted, comparison_set.qrels, plan.primary)
    tipping = tipping_pairs(more, loser_only, up=difference < 0) if difference else None
    return Sensitivity(
        baseline=plan.baseline,
        contender=contender,
        cutoff=cutoff,
        judged_baseline=_judged(a, b.run, comparison_set.qrels, cutoff),
        judged_contender=_judged(b, a.run, comparison_set.qrels, cutoff),
        unjudged_baseline_only=len(a_only),
        unjudged_contender_only=len(b_only),
        unjudged_both=len(unjudged_a) - len(a_only),
        condensed=_condensed(comparison_set, plan, a, b),
        tipping=None if tipping is None else len(tipping),
        tipping_of=len(loser_only),
        tied_low=low,
        tied_high=high,
    )


def counted_ranks(metric: str) -> int:
    """Return the number of ranks in which judged documents are counted: the metric's cutoff, or `NEAR_TOP`."""
    return parse_metric(metric).cutoff or NEAR_TOP


def _values(run: Run, qrels: Qrels, metric: str, like: MetricValues) -> MetricValues:
    """Evaluate a run on the queries of `like`."""
    return evaluate(run, _judgments_of(qrels, like), [parse_metric(metric)])


def _judgments_of(qrels: Qrels, values: MetricValues) -> Qrels:
    """Return the judgments of the queries that have values: all judgments, if these are all averaged queries."""
    return qrels if values.query_ids == qrels.answerable else qrels.restricted_to(values.query_ids)


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
    return run.where(row_grades(run, qrels)[1])


def _tie_bounds(
    comparison_set: ComparisonSet, plan: Plan, a: System, b: System
) -> tuple[float | None, float | None]:
    metric = parse_metric(plan.primary)
    if not has_tie_bounds(metric):
        return None, None
    baseline_values, contender_values = (
        tie_bounds(system.run, _judgments_of(comparison_set.qrels, system.values), [metric])
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


def tipping_pairs(
    more: MoreJudgments, unjudged: Pairs, *, up: bool, highest: float | None = None
) -> Pairs | None:
    """Return the fewest unjudged documents that, if relevant, reverse the sign; the largest gains are taken first.

    None if not even all of them do.

    Parameters
    ----------
    more
        Baseline and contender.
    unjudged
        The documents that may be made relevant.
    up
        Whether the difference must become at least 0; otherwise at most 0.
    highest
        The grade that they get (default: the most frequent grade above 0).
    """
    if highest is None:
        highest = max(usual_grade(more.qrels), parse_metric(more.metric).rel)
    grade = highest
    pairs = more.counted.by_name(unjudged)
    paired = pair(more.baseline.values, more.contender.values, more.metric)
    number = {query_id: row for row, query_id in enumerate(more.counted.query_ids)}
    queries = np.array([number[query_id] for query_id in paired.query_ids], dtype=np.int64)
    current = np.full(len(number), np.nan)
    current[queries] = paired.differences
    gains = more.differences(each_alone(pairs, grade)) - current[pairs.query]
    gains = np.nan_to_num(gains if up else -gains)
    order = np.argsort(-gains, kind="stable")
    order = order[gains[order] > 0]
    pairs = pairs.only(order)
    by_query = np.argsort(pairs.query, kind="stable")
    differences = more.differences(one_after_the_other(pairs.only(by_query), grade))
    differences = np.where(np.isnan(differences), current[pairs.query[by_query]], differences)
    first = np.searchsorted(pairs.query[by_query], np.arange(len(number)))

    def reversed_by(count: int) -> bool:
        judged = np.bincount(pairs.query[:count], minlength=len(number))
        changed = current.copy()
        changed[judged > 0] = differences[(first + judged - 1)[judged > 0]]
        mean = np.mean(changed[queries])
        return bool(mean >= 0 if up else mean <= 0)

    if not len(order) or not reversed_by(len(order)):
        return None
    low, high = 1, len(order)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reversed_by(middle) else (middle + 1, high)
    return pairs.only(np.arange(low))
