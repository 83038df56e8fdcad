"""Compare contenders with a baseline: sign-flip tests, Holm or maxT correction, intervals and verdicts.

Verdicts rest on one primary metric, fixed before the results are seen. All other metrics are exploratory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.change_histogram import change_histogram
from evalkit.comparison.comparison_set import ComparisonSet, Paired
from evalkit.comparison.corrected_pairs import (
    compared_pair,
    corrected_basis,
    corrected_of,
    correction_plan,
    difference_of,
    unanswered_of,
    unrated_of,
    with_judge,
)
from evalkit.comparison.failed_queries import (
    failed_in_both,
    has_few_rankings,
    holds_with_failures,
    ranked_by_one,
)
from evalkit.comparison.families import (
    corrected_p,
    family_p_values,
    joint_confidence,
    p_of_t,
    without_withheld,
)
from evalkit.comparison.indications import as_indication, for_people
from evalkit.comparison.looks import confidence_at, level
from evalkit.comparison.missing_queries import count_missing, lacks_too_many, without_evidence
from evalkit.comparison.plan import Comparison, Plan, Verdict
from evalkit.metrics import parse_metric
from evalkit.stats import (
    MIN_QUERIES,
    CorrectedMeans,
    Interval,
    MeanError,
    count_clusters,
    deviation_range,
    minimum_detectable_effect,
    paired_interval,
    queries_needed,
    queries_needed_range,
    sign_flip,
)


def compare(comparison_set: ComparisonSet, plan: Plan) -> list[Comparison]:
    """Compare every system of one dataset with the baseline on the primary metric; see `compare_all`."""
    return compare_all([comparison_set], plan)[0]


def compare_all(comparison_sets: Sequence[ComparisonSet], plan: Plan) -> list[list[Comparison]]:
    """Compare every system with the baseline on the primary metric, on every dataset.

    All comparisons are one family: with several datasets the correction is for datasets times contenders, so that in at
    most ``1 - confidence`` of reports any verdict *better* or *worse* is false. A claim that does not hold once
    failed queries count against it is withheld, and so is one that rests on judgments of models or on queries that a
    model wrote. A system whose file lacks too many queries is not tested: it is not part of the family, as that does
    not depend on any value.
    """
    names = [tested_contenders(one, plan) for one in comparison_sets]
    pairs = [
        [compared_pair(one, plan.baseline, name, plan.primary) for name in contenders]
        for one, contenders in zip(comparison_sets, names, strict=True)
    ]
    tests = family_p_values(pairs, plan)
    size = sum(map(len, pairs))

    def judge(tests: Sequence[Sequence[tuple[float, float]]]) -> list[dict[str, Comparison]]:
        return [
            {
                name: _supported(one, plan, size, _compared(one, plan, name, paired, test, size))
                for name, paired, test in zip(contenders, row, found, strict=True)
            }
            for one, contenders, row, found in zip(comparison_sets, names, pairs, tests, strict=True)
        ]

    judged = judge(tests)
    withheld = [[row.undecided for row in found.values()] for found in judged]
    if any(map(any, withheld)):
        others = judge(without_withheld(tests, withheld))
        judged = [
            {name: row if row.undecided else again[name] for name, row in found.items()}
            for found, again in zip(judged, others, strict=True)
        ]
    return [
        [
            found.get(name) or as_indication(_untested(one, plan, name), one.judged_by)
            for name in _contenders(one, plan)
        ]
        for one, found in zip(comparison_sets, judged, strict=True)
    ]


def _supported(comparison_set: ComparisonSet, plan: Plan, size: int, one: Comparison) -> Comparison:
    """Return a comparison, whose claim is withheld where failed queries or grades of models do not support it."""
    names = one.baseline, one.contender
    unrated = len(unrated_of(comparison_set, names, plan.primary))
    unanswered = len(unanswered_of(comparison_set, names, plan.primary))
    held = holds_with_failures(comparison_set, plan, size, one)
    found = as_indication(held, comparison_set.judged_by, unrated, unanswered)
    return for_people(found, synthetic=comparison_set.rests_on_synthetic)


def _contenders(comparison_set: ComparisonSet, plan: Plan) -> list[str]:
    return [name for name in comparison_set.systems if name != plan.baseline]


def tested_contenders(comparison_set: ComparisonSet, plan: Plan) -> list[str]:
    """Return the systems that are compared with the baseline, without those whose files lack too many queries."""
    return [
        name
        for name in _contenders(comparison_set, plan)
        if not lacks_too_many(comparison_set, plan.baseline, name)
    ]


def _untested(comparison_set: ComparisonSet, plan: Plan, name: str) -> Comparison:
    """Return the comparison of a system with too many missing queries: it has means alone."""
    paired = comparison_set.pair(plan.baseline, name, plan.primary)
    return without_evidence(_compared(comparison_set, plan, name, paired, (1.0, 1.0), 1))


def _compared(
    comparison_set: ComparisonSet, plan: Plan, name: str, paired: Paired, test: tuple[float, float], size: int
) -> Comparison:
    """Return one comparison, with the numbers of queries that failed in both systems, or that only one ranks."""
    one = _comparison(comparison_set.dataset, plan, name, paired, test, size)
    systems = comparison_set.systems[plan.baseline], comparison_set.systems[name]
    if has_few_rankings(paired, *systems):
        one = replace(one, verdict="too few queries")
    left_out = one.left_out + len(failed_in_both(*systems))
    return replace(
        one,
        left_out=left_out,
        unranked=ranked_by_one(*systems),
        baseline_missing=count_missing(comparison_set, plan.baseline, (name,)),
        contender_missing=count_missing(comparison_set, name, (plan.baseline,)),
    )


def explore(comparison_set: ComparisonSet, plan: Plan) -> list[Comparison]:
    """Compare every system with the baseline on all other metrics, without correction: exploratory only.

    Counts such as ``NumRet`` are left out: more of them is not better; so are systems with too many missing queries.
    A difference that rests on failed, missing or unknown queries has neither a p-value nor an interval, nor has one
    on a metric that people's grades of a draw do not correct where they correct that on the primary one.
    """
    labels = next(iter(comparison_set.systems.values())).values.metrics
    pairs = [
        (metric, name, compared_pair(comparison_set, plan.baseline, name, metric))
        for metric in labels
        if metric != plan.primary and not parse_metric(metric).summed
        for name in tested_contenders(comparison_set, plan)
    ]
    found: list[Comparison] = []
    for (metric, name, paired), p in zip(
        pairs, _p_values([paired for *_, paired in pairs], plan), strict=True
    ):
        of_metric = replace(plan, primary=metric)
        one = _comparison(comparison_set.dataset, of_metric, name, paired, (p, p), 1)
        held = holds_with_failures(comparison_set, of_metric, 1, one)
        is_mixture = comparison_set.correction is not None and paired.judged is None
        found.append(without_evidence(one) if held.undecided or is_mixture else replace(one, p_adjusted=None))
    return found


def _p_values(pairs: Sequence[Paired], plan: Plan) -> list[float]:
    """Return the unadjusted p-value of each pair; pairs of the same queries share the random signs."""
    groups: dict[tuple[str, ...], list[int]] = {}
    found: dict[int, float] = {}
    for number, paired in enumerate(pairs):
        if paired.judged is None:
            groups.setdefault(paired.query_ids, []).append(number)
        else:
            found[number] = corrected_p(paired, plan)
    for numbers in groups.values():
        columns = np.column_stack([pairs[number].differences for number in numbers])
        test = sign_flip(columns, plan.resamples, plan.seed, clusters=pairs[numbers[0]].clusters)
        found |= dict(zip(numbers, test.p.tolist(), strict=True))
    return [found[number] for number in range(len(pairs))]


def _comparison(
    dataset: str, plan: Plan, name: str, paired: Paired, test: tuple[float, float], size: int
) -> Comparison:
    """Return one comparison of a family of `size`; `test` is its p-value and its adjusted p-value."""
    differences, (p, p_adjusted) = paired.differences, test
    interval, corrected = difference_interval(paired, plan.confidence), corrected_of(paired)
    found = difference_of(paired)
    verdict = _verdict(paired, interval, p_adjusted, plan.alpha)
    joint = _agreeing(difference_interval(paired, joint_confidence(plan.confidence, size)), interval, verdict)
    baseline = _mean(paired.baseline) if corrected is None else float(corrected.means[1])
    contender = _mean(paired.contender)
    if corrected is not None:
        contender = float(
            corrected.means[1] + corrected.means[0]
        )  # so that the means differ by the difference
    deviation = float(differences.std(ddof=1)) if len(differences) > 1 else None
    p_t = None if found is None else p_of_t(found, paired.enlarged)
    needed, (needed_lower, needed_upper) = _needed(paired, interval, found, plan)
    return Comparison(
        dataset=dataset,
        metric=plan.primary,
        baseline=plan.baseline,
        contender=name,
        n=interval.n,
        left_out=paired.left_out,
        baseline_mean=baseline,
        contender_mean=contender,
        difference=interval.estimate,
        lower=interval.lower,
        upper=interval.upper,
        p=p if interval.n else None,
        p_adjusted=p_adjusted if interval.n else None,
        p_t=p_t,
        fragile=p_t is not None and (p <= plan.alpha) != (p_t <= plan.alpha),
        wins=int((differences > 0).sum()),
        ties=int((differences == 0).sum()),
        losses=int((differences < 0).sum()),
        deviation=deviation,
        effect=interval.estimate / deviation if deviation and interval.estimate is not None else None,
        detectable=_detectable(found, level(plan.alpha, paired.enlarged) / size),
        needed=needed,
        verdict=verdict,
        needed_lower=needed_lower,
        needed_upper=needed_upper,
        joint_lower=joint.lower,
        joint_upper=joint.upper,
        error=None if found is None or math.isnan(found.error) else found.error,
        clusters=None if paired.clusters is None or found is None else found.clusters,
        histogram=change_histogram(differences),
        corrected=None if corrected is None else corrected_basis(paired, corrected),
    )


def difference_interval(paired: Paired, confidence: float) -> Interval:
    """Return the mean difference with its interval: Tango's for a metric of values 0 and 1, else Student's t.

    Where a judge's values have a weight the difference is corrected; see `SkewedMean`.
    """
    found, confidence = with_judge(paired), confidence_at(confidence, paired.enlarged)
    if found is not None:
        return found.skewed(0).interval(confidence)
    return paired_interval(paired.baseline, paired.contender, confidence, paired.clusters, paired.limits)


def _agreeing(joint: Interval, alone: Interval, verdict: Verdict) -> Interval:
    """Return the simultaneous interval, cut at 0 where the stepwise correction already shows the sign.

    References
    ----------
    Strassburger and Bretz, "Compatible simultaneous lower confidence bounds for the Holm procedure and other
    Bonferroni-based closed tests", Statistics in Medicine 27 (2008).
    """
    if joint.lower is None or joint.upper is None or alone.lower is None or alone.upper is None:
        return joint
    if verdict == "better" and alone.lower > 0:
        return replace(joint, lower=max(joint.lower, 0.0))
    if verdict == "worse" and alone.upper < 0:
        return replace(joint, upper=min(joint.upper, 0.0))
    return joint


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _detectable(found: MeanError | None, level: float) -> float | None:
    """Return the minimum detectable difference at a level; with clusters each of them counts as one query."""
    if found is None or not found.error > 0:
        return None
    deviation = found.error * float(np.sqrt(found.clusters))
    return minimum_detectable_effect(deviation, found.clusters, level)


def _needed(
    paired: Paired, interval: Interval, found: MeanError | None, plan: Plan
) -> tuple[int | None, tuple[int | None, int | None]]:
    """Return how many queries rule out a loss of the margin if nothing changed, and the range of that number."""
    shown_worse = interval.upper is not None and interval.upper < -plan.margin
    if found is None or not found.error > 0 or shown_worse:
        return None, (None, None)
    corrected = corrected_of(paired)
    if corrected is not None:
        return _needed_of_people(paired, corrected, plan)
    deviation = found.error * float(np.sqrt(found.n))
    needed = queries_needed(deviation, plan.margin, plan.alpha, sides=1)
    return needed, queries_needed_range(deviation, found.clusters, plan.margin, plan.alpha, sides=1)


def _needed_of_people(
    paired: Paired, corrected: CorrectedMeans, plan: Plan
) -> tuple[int | None, tuple[int | None, int | None]]:
    """Return how many queries people have to judge, and the range; None where all queries do not suffice."""
    of_people = correction_plan(paired, corrected)
    if of_people is None:
        return None, (None, None)
    low, high = deviation_range(of_people.deviation, corrected.clusters)

    def needed(deviation: float) -> int | None:
        human = replace(of_people, deviation=deviation).human_for_power(plan.margin, plan.alpha, sides=1)
        # The plan counts clusters, and people judge queries.
        return None if human is None else math.ceil(human * corrected.n / corrected.clusters)

    return needed(of_people.deviation), (needed(low), needed(high))


def _verdict(paired: Paired, found: Interval, p: float, alpha: float) -> Verdict:
    if count_clusters(paired.clusters, len(paired.query_ids)) < MIN_QUERIES:
        return "too few queries"
    if not paired.differs:
        return "identical"
    if p > alpha:
        return "not told apart"
    return "better" if (found.estimate or 0.0) > 0 else "worse"


def extremes(paired: Paired, count: int = 5) -> Mapping[str, list[tuple[str, float, float]]]:
    """Return the queries with the largest losses and gains of the contender, largest first.

    Each entry is ``(query_id, baseline value, contender value)``.
    """
    order = np.argsort(paired.differences, kind="stable")

    def entries(rows: Iterable[int]) -> list[tuple[str, float, float]]:
        return [(paired.query_ids[i], float(paired.baseline[i]), float(paired.contender[i])) for i in rows]

    lost = [int(i) for i in order[:count] if paired.differences[i] < 0]
    won = [int(i) for i in order[::-1][:count] if paired.differences[i] > 0]
    return {"worst": entries(lost), "best": entries(won)}
