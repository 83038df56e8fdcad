"""What each kind of rule of a gate finds in one case."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import Paired, pair
from evalkit.comparison.budget_rule import judge_cost
from evalkit.comparison.fallen_queries import judge_fallen, with_unseen_share, worst_of_clusters
from evalkit.comparison.gate_outlook import outlook
from evalkit.comparison.gate_verdicts import (
    RuleFinding,
    invalid,
    judge_drop,
    judge_failures,
    judge_minimum,
    judge_ratio,
)
from evalkit.comparison.indications import BY_MODELS
from evalkit.comparison.score_origins import ScoreBasis, judge_origin
from evalkit.comparison.threshold_rules import Limit, judge_empty, judge_kept
from evalkit.metrics import parse_metric
from evalkit.records import fewest_people
from evalkit.stats import MIN_QUERIES, chance_of_detecting, count_clusters, mean_error
from evalkit.summaries.gate_evidence import Evidence
from evalkit.workflows.corrected_findings import find_corrected, why_uncorrected
from evalkit.workflows.gate_case import Case, NothingToJudgeError, spelt_as
from evalkit.workflows.gate_sentences import by_rankings, with_looks


def basis_of(case: Case) -> ScoreBasis | None:
    """Return what the scores of the new version rest on; None for a rule on latency, which is always measured."""
    if case.rule.latency_to is not None or case.tag == case.new.first_stage:
        return None
    return judge_origin(case.new.origins.get((case.dataset, case.tag)), case.terms.accepted, case.alpha)


def find(case: Case) -> RuleFinding:
    """Return what the rule of a case finds; ``INVALID`` where it cannot be judged."""
    basis = basis_of(case)
    if basis is not None and not basis.is_accepted and (case.dataset, case.tag) in case.new.values:
        return invalid(basis.sentence)
    try:
        found = _JUDGES.get(case.rule.bound[0], _sure_quality)(case)
    except NothingToJudgeError as error:
        return invalid(str(error))
    return found if case.rule.metric is None else _for_people(case, _by_people(case, found))


def _for_people(case: Case, found: RuleFinding) -> RuleFinding:
    """Return what a rule on a metric finds; no verdict on queries that a model wrote, unless the rules allow it."""
    if case.dataset not in case.new.synthetic | case.old.synthetic or found.status == "INVALID":
        return found
    if case.terms.allow_synthetic:
        return replace(found, sentence=f"{found.sentence}; synthetic queries")
    why = (
        "synthetic queries: no verdict because a model wrote the queries (allow_synthetic: true accepts them)"
    )
    return replace(found, status="CANNOT TELL", sentence=f"{found.sentence}; {why}")


def _by_people(case: Case, found: RuleFinding) -> RuleFinding:
    """Return what a rule on a metric finds; no verdict without judgments, or where grades of models count."""
    values = case.new.values.get((case.dataset, case.tag))
    if found.status == "INVALID" and values is not None and not len(values.query_ids) and not found.n:
        unscored = case.new.unscored.get((case.dataset, case.tag))
        none = RuleFinding("CANNOT TELL", f"{case.metric}: no query is judged, so there is no mean")
        return found if unscored else none
    judged_by = fewest_people(*(side.judged_by.get(case.dataset, "human") for side in (case.new, case.old)))
    if judged_by == "human" or found.status == "INVALID":
        return found
    if case.new.judged_by.get(case.dataset) == "corrected":
        return _by_correction(case, found)
    how = (
        f"judge only: {BY_MODELS} all judgments"
        if judged_by == "judge only"
        else f"mixed judgments: {BY_MODELS} some of the judgments"
    )
    uncorrected = case.new.uncorrected.get(case.dataset)
    how = how if uncorrected is None else f"{how}. {uncorrected.removesuffix('.')}"
    return replace(found, status="CANNOT TELL", sentence=f"{found.sentence}; {how}")


def _by_correction(case: Case, found: RuleFinding) -> RuleFinding:
    """Return what a rule finds on a dataset whose grades people correct, with what it rests on; no verdict without."""
    if found.rests_on is not None:
        return replace(found, sentence=f"{found.sentence}; {found.rests_on}")
    return replace(found, status="CANNOT TELL", sentence=f"{found.sentence}; {why_uncorrected(case)}")


def _failures(case: Case) -> RuleFinding:
    key = case.dataset, case.tag
    if key in case.new.runs:
        return RuleFinding("PASS", "no calls: a run is read from its file")
    calls, failed = case.new.calls.get(key, (0, 0))
    if not calls and case.new.unscored.get(key) == 0:
        origin = case.new.origins.get(key)
        cached = origin is not None and origin.older and not origin.fresh
        why = "no calls: all scores were cached" if cached else "no calls of its own"
        return RuleFinding("PASS", why)
    return judge_failures(failed, calls, case.rule.bound[1])


def _sure_quality(case: Case) -> RuleFinding:
    """Judge a rule on a metric; no verdict where it rests on the few queries that the file of a run lacks."""
    found = _quality(case)
    if not case.missing or found.status not in _DECIDED:
        return found
    again = _quality(replace(case, without=case.missing))
    if (found.status == "FAIL") == (again.status == "FAIL") and again.status in _DECIDED:
        return found
    why = f"no verdict because it rests on {len(case.missing)} queries that a file lacks and that count as 0"
    return replace(found, status="CANNOT TELL", sentence=f"{found.sentence}; {why}")


def _quality(case: Case) -> RuleFinding:
    name, bound = case.rule.bound
    paired = case.paired() if name != "min" else None
    case.values(case.new, "result")
    corrected = find_corrected(case)
    if corrected is not None:
        return corrected
    if paired is None:
        return _minimum(case)
    if name == "max_fallen":
        worst = worst_of_clusters(paired.differences, paired.clusters)
        return judge_fallen(worst, case.metric, bound, case.rule.fallen_by, case.alpha)
    return _drop(case, paired)


def _minimum(case: Case) -> RuleFinding:
    """Judge the mean over the queries with a value; no verdict where it rests on which queries have one."""
    values, limits = case.values(case.new, "result"), parse_metric(case.metric).limits
    known = values.by_query(case.metric)
    unknown = [query_id for query_id in values.query_ids if query_id not in known]

    def judge(filled: Mapping[str, float]) -> RuleFinding:
        together = case.clusters_of(tuple(filled))
        of_queries = np.array(list(filled.values()))
        return judge_minimum(of_queries, case.metric, case.rule.bound[1], case.alpha, together, limits)

    found = judge(known)
    # A metric of several lists has a value for some of their queries only, however they are ranked.
    if not unknown or found.status not in _DECIDED or parse_metric(case.metric).run_metric:
        return found
    against = limits.lowest if found.status == "PASS" else limits.highest
    if judge({**known, **dict.fromkeys(unknown, against)}).status == found.status:
        return found
    why = f"no verdict because {case.metric} of {len(unknown)} queries is unknown"
    return replace(found, status="CANNOT TELL", sentence=f"{found.sentence}; {why}")


def _drop(case: Case, paired: Paired) -> RuleFinding:
    name, bound = case.rule.bound
    differences, together, alpha = paired.differences, paired.clusters, case.alpha
    margin = bound if name == "max_drop" else _kept_margin(case, bound)
    found = judge_drop(differences, case.metric, margin, alpha, together, is_slice=case.part is not None)
    if found.status == "INVALID":
        return found
    if found.status == "IDENTICAL":
        found = by_rankings(found, case, paired.query_ids)
    elif found.status == "CANNOT TELL" and found.n >= MIN_QUERIES and found.lower != found.upper:
        found = replace(found, sentence=f"{found.sentence}. {_after(case, paired, margin)}")
    # The spread of a version that got worse is not that of an unchanged one.
    count = count_clusters(together, found.n)
    known = count > 1 and found.status != "FAIL"
    deviation = mean_error(differences, together).error * math.sqrt(count) if known else 0.0
    chance = chance_of_detecting(margin, deviation, count, alpha, sides=1)
    worst = worst_of_clusters(differences, together)
    return replace(with_unseen_share(found, worst, alpha), unchanged_passes=chance)


def _after(case: Case, paired: Paired, margin: float) -> str:
    """Return what more queries would show, and whether this gate may look again."""
    if case.terms.look == "last":
        return "This was the last planned look"
    if paired.clusters is not None:  # how many clusters more queries would form is unknown
        return "More queries help only if they form new clusters"
    return with_looks(case, outlook(paired.differences, margin, case.alpha))


def _kept_margin(case: Case, share: float) -> float:
    """Return the loss that keeps a share of the baseline's gain over its first stage."""
    values = case.old.values
    first, own = (
        spelt_as(case.metric, values[case.dataset, tag]) for tag in (case.old.first_stage, case.tag)
    )
    gained = pair(first, own, case.metric).differences
    gain = float(gained.mean()) if len(gained) else 0.0
    if gain <= 0:
        raise NothingToJudgeError(
            f"{case.metric} of the baseline is not above its first stage, so there is no gain to retain"
        )
    return (1 - share) * gain


def _latency(case: Case) -> RuleFinding:
    """Judge a ratio of latencies within the result, or its change from the same ratio within the baseline.

    Seconds of two runs are never compared: machines and their load differ.
    """
    if (case.dataset, case.tag) in case.new.runs:
        raise NothingToJudgeError(f"{case.tag} is a run: it has no timed calls")
    if case.new.resumed:
        raise NothingToJudgeError(
            "the run was interrupted and resumed, so its timed calls are of several sessions"
        )
    name, bound = case.rule.bound
    sides = (case.new,) if name == "max_ratio" else (case.new, case.old)
    for side in sides:
        if (why := _withheld(case, side)) is not None:
            return RuleFinding("CANNOT TELL", f"latencies of {side.name} are withheld: {why}")
    mine = _log_ratios(case, case.new)
    what = f"latency ratio {case.tag} / {case.rule.latency_to}, batch size {case.rule.batch_size}"
    if name == "max_ratio":
        return judge_ratio(mine, what, bound, case.alpha)
    theirs = _log_ratios(case, case.old)
    # Rounds of two runs have nothing in common, so that which are subtracted does not matter: as many as both have.
    count = min(len(mine), len(theirs))
    what = f"{what}, relative to the baseline"
    return judge_ratio(mine[:count] - theirs[:count], what, bound, case.alpha, unchanged_is_1=True)


def _withheld(case: Case, side: Evidence) -> str | None:
    """Return why the timed calls of one of both rerankers do not measure it; None if all do."""
    rule = case.rule
    keys = [
        (case.dataset, tag or "", rule.batch_size or 0, rule.concurrency)
        for tag in (case.tag, rule.latency_to)
    ]
    return next((side.withheld[key] for key in keys if key in side.withheld), None)


def _log_ratios(case: Case, side: Evidence) -> NDArray[np.float64]:
    """Return ``(r,)`` log ratios of the round medians of two rerankers.

    Raises
    ------
    NothingToJudgeError
        If they share no round.
    """
    rule, dataset, tag = case.rule, case.dataset, case.tag
    size, flight = rule.batch_size or 0, rule.concurrency
    medians = side.rounds.get((dataset, tag, size, flight), {})
    reference = side.rounds.get((dataset, rule.latency_to or "", size, flight), {})
    ratios = [medians[n] - reference[n] for n in sorted(medians) if n in reference]
    if not ratios:
        raise NothingToJudgeError(
            f"{side.name} has no round with both {tag} and {rule.latency_to} on {dataset} at batch"
            f" size {size}"
        )
    return np.array(ratios)


def _threshold(case: Case) -> RuleFinding:
    """Judge how much a threshold on the scores of the new version keeps."""
    key, (name, bound) = (case.dataset, case.tag), case.rule.bound
    if case.new.unscored.get(key, 0) or key not in case.new.scored:
        raise NothingToJudgeError(
            f"{case.tag} has no scores on {case.dataset} that a threshold can be applied to"
        )
    threshold, run = case.rule.threshold or 0.0, case.new.scored[key]
    kept = np.array([(scores >= threshold).mean() for _, _, scores in run])
    together = case.clusters_of(run.query_ids)
    if name == "max_empty":
        return judge_empty(
            -worst_of_clusters(-(kept == 0).astype(np.float64), together), threshold, bound, case.alpha
        )
    return judge_kept(kept, Limit(threshold, bound, at_most=name == "max_kept"), case.alpha, together)


def _cost(case: Case) -> RuleFinding:
    """Judge the cost of a thousand queries at the depth of the result."""
    costs = case.new.costs.get((case.dataset, case.tag))
    if costs is None:
        raise NothingToJudgeError(
            f"the cost of {case.tag} on {case.dataset} is unknown: it has no price of its own, or its calls do not show"
            " the cost of one depth (cached scores, several listwise passes)"
        )
    return judge_cost(costs.usd, case.rule.bound[1], case.alpha, case.clusters_of(costs.query_ids))


_DECIDED = frozenset({"PASS", "IDENTICAL", "FAIL"})
"""Statuses that claim something."""
_JUDGES: Mapping[str, Callable[[Case], RuleFinding]] = {
    "max_failed": _failures,
    "max_ratio": _latency,
    "max_slowdown": _latency,
    "max_kept": _threshold,
    "min_kept": _threshold,
    "max_empty": _threshold,
    "max_cost_per_1k": _cost,
}
"""Bound of a rule -> its judge; all others bound a metric."""
