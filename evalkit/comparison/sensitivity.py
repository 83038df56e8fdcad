"""How much of a difference hangs on ties and on documents that nobody judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalkit.comparison.comparison_set import ComparisonSet, Paired, System, pair
from evalkit.comparison.contenders import Plan
from evalkit.metrics import evaluate, parse_metric, tie_bounds, usual_grade
from evalkit.records import MetricValues, Qrels, Run
from evalkit.stats import Interval, mean_interval

NEAR_TOP = 10
"""Ranks in which unjudged documents are counted where the metric has no cutoff."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What a mean difference would be if ties and judgments had fallen out otherwise.

    Attributes
    ----------
    judged_baseline, judged_contender
        Mean share of judged documents in the first ranks.
    unjudged_baseline_only, unjudged_contender_only, unjudged_both
        Unjudged pairs in the first ranks of one or both.
    condensed
        The difference with unjudged documents taken out of both runs.
    tipping
        Unjudged documents of the loser alone that would turn the sign of the difference, were they
        relevant: the fewest, by a greedy search; None where not even all of them would.
    tipping_of
        How many of them there are.
    tied_low, tied_high
        The difference with every tie broken against the contender and for the baseline, and the other
        way round; None where the metric is not evalkit's own.
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


def sensitivity(comparison_set: ComparisonSet, plan: Plan, contender: str) -> Sensitivity:
    """Look at one contender and the baseline."""
    a, b = comparison_set.systems[plan.baseline], comparison_set.systems[contender]
    cutoff = parse_metric(plan.primary).cutoff or NEAR_TOP
    holes_a, holes_b = (_holes(entry.run, comparison_set.qrels, cutoff) for entry in (a, b))
    difference = _difference(a.values, b.values, plan.primary)
    loser, only = (a, holes_a - holes_b) if difference > 0 else (b, holes_b - holes_a)
    low, high = _tie_bounds(comparison_set, plan, a, b)
    return Sensitivity(
        baseline=plan.baseline,
        contender=contender,
        cutoff=cutoff,
        judged_baseline=_judged(a.run, comparison_set.qrels, cutoff),
        judged_contender=_judged(b.run, comparison_set.qrels, cutoff),
        unjudged_baseline_only=len(holes_a - holes_b),
        unjudged_contender_only=len(holes_b - holes_a),
        unjudged_both=len(holes_a & holes_b),
        condensed=_condensed(comparison_set, plan, a, b),
        tipping=_tipping(comparison_set, plan, _seen(a, plan), _seen(b, plan), only, up=loser is b)
        if difference
        else None,
        tipping_of=len(only),
        tied_low=low,
        tied_high=high,
    )


def _values(run: Run, qrels: Qrels, metric: str, like: MetricValues) -> MetricValues:
    """Evaluate a changed run on the queries that the entry has values for."""
    return evaluate(run, qrels.restricted_to(like.query_ids), [parse_metric(metric)])


def _difference(a: MetricValues, b: MetricValues, metric: str) -> float:
    differences = pair(a, b, metric).differences
    return float(differences.mean()) if len(differences) else 0.0


def _holes(run: Run, qrels: Qrels, cutoff: int) -> set[tuple[str, str]]:
    return {
        (query_id, doc_id)
        for query_id in qrels.answerable
        for doc_id in run.docs(query_id)[:cutoff]
        if doc_id not in qrels.of(query_id)
    }


def _judged(run: Run, qrels: Qrels, cutoff: int) -> float:
    values = evaluate(run, qrels, [parse_metric(f"Judged@{cutoff}")]).values
    return float(values.mean()) if len(values) else 0.0


def _condensed(comparison_set: ComparisonSet, plan: Plan, a: System, b: System) -> Interval:
    before, after = (
        _values(
            _judged_only(entry.run, comparison_set.qrels), comparison_set.qrels, plan.primary, entry.values
        )
        for entry in (a, b)
    )
    return mean_interval(pair(before, after, plan.primary).differences, plan.confidence)


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
    if not metric.has_kernel:
        return None, None
    before, after = (
        tie_bounds(entry.run, comparison_set.qrels.restricted_to(entry.values.query_ids), [metric])
        for entry in (a, b)
    )
    low = _difference(before.best, after.worst, plan.primary)
    return low, _difference(before.worst, after.best, plan.primary)


def _seen(entry: System, plan: Plan) -> System:
    """Return an entry as far as the metric looks: below its cutoff nothing matters."""
    cutoff = parse_metric(plan.primary).cutoff
    return entry if cutoff is None else replace(entry, run=entry.run.cut(cutoff))


def _tipping(
    comparison_set: ComparisonSet, plan: Plan, a: System, b: System, holes: set[tuple[str, str]], *, up: bool
) -> int | None:
    """Return the fewest documents that would turn the sign, upwards or downwards: those that gain most first.

    Queries do not touch each other, so one evaluation tells the gain of one document in each of them.
    """
    grade = usual_grade(comparison_set.qrels)
    by_query: dict[str, list[str]] = {}
    for query_id, doc_id in sorted(holes):
        by_query.setdefault(query_id, []).append(doc_id)
    before = pair(a.values, b.values, plan.primary)
    gains: list[tuple[float, str, str]] = []
    for place in range(max(map(len, by_query.values()), default=0)):
        chosen = [(q, docs[place]) for q, docs in by_query.items() if len(docs) > place]
        after = _paired_with(comparison_set, plan, a, b, chosen, grade)
        change = dict(zip(after.query_ids, after.differences - before.differences, strict=True))
        toward = 1.0 if up else -1.0
        gains += [(toward * float(change.get(q, 0.0)), q, d) for q, d in chosen]
    gains.sort(key=lambda gain: (-gain[0], gain[1:]))
    order = [(q, d) for gain, q, d in gains if gain > 0]

    def turned(count: int) -> bool:
        mean = _paired_with(comparison_set, plan, a, b, order[:count], grade).differences.mean()
        return bool(mean >= 0 if up else mean <= 0)

    if not order or not turned(len(order)):
        return None
    low, high = 1, len(order)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if turned(middle) else (middle + 1, high)
    return low


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
    changed = Qrels(grades)
    before, after = (_values(entry.run, changed, plan.primary, entry.values) for entry in (a, b))
    return pair(before, after, plan.primary)
