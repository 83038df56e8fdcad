"""What the rules of a gate on a metric find where people's grades of a random draw correct those of a judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from evalkit.comparison import Paired
from evalkit.comparison.corrected_pairs import corrected_basis, corrected_of, correction_plan
from evalkit.comparison.correction import RERUN_EARLIER, differing_text
from evalkit.comparison.fallen_queries import judge_fallen, with_unseen_share, worst_of_clusters
from evalkit.comparison.gate_outlook import outlook_of_people
from evalkit.comparison.gate_verdicts import RuleFinding, judge_drop, judge_minimum, judge_retained
from evalkit.comparison.indications import BY_MODELS
from evalkit.comparison.looks import enlarged_text, level
from evalkit.metrics import parse_metric
from evalkit.plurals import documents_of_queries, queries_of
from evalkit.report.undecided import judge_incomplete_text
from evalkit.results.comparison_document import ToAskJudge
from evalkit.stats import MIN_QUERIES, CorrectedMeans, chance_of_detecting, count_clusters, has_few_values
from evalkit.workflows.gate_case import Case, NothingToJudgeError
from evalkit.workflows.gate_sentences import by_rankings, with_looks


def find_corrected(case: Case) -> RuleFinding | None:
    """Return what a rule on a metric finds on corrected values; None where they are not known."""
    name = case.rule.bound[0]
    paired = case.corrected_own() if name == "min" else case.corrected()
    if paired is None:
        return None
    independent = count_clusters(paired.clusters, len(paired.query_ids))
    if independent < 2:
        few = f"people judged {len(paired.query_ids)} of these queries"
        why = f"{case.metric}: {few}: no verdict with fewer than {MIN_QUERIES} queries"
        return RuleFinding("CANNOT TELL", why, n=len(paired.query_ids), rests_on=_of_people(paired))
    return _RULES[name](case, paired)


def why_uncorrected(case: Case) -> str:
    """Return why a rule on a metric has no verdict on a dataset of which the corrected values are not known."""
    unrated = case.unrated()
    if unrated:
        missing = documents_of_queries(len(unrated), len({query_id for query_id, _ in unrated}))
        return (
            f"human sample incomplete: no verdict until people have judged {missing}"
            f" (evalkit judge rate {case.terms.config} --sample-only)"
        )
    unanswered = case.unanswered()
    if unanswered:
        queries, side = len({query_id for query_id, _ in unanswered}), case.corrected_sides[1]
        left = ToAskJudge("" if side is None else side.judge_tag, queries, len(unanswered))
        return f"judge incomplete: {judge_incomplete_text(left, case.terms.config)[:-1]}"
    if case.dataset in case.old.uncorrected:
        why = case.old.uncorrected[case.dataset].removesuffix(".")
        return f"judge grades included: {BY_MODELS} some of the judgments of {case.old.name}. {why}"
    return f"judge grades included: {BY_MODELS} some of the judgments, and {_reason(case)}"


def _reason(case: Case) -> str:
    old, new = case.corrected_sides
    if new is None:
        return "no grades of people correct them"
    if case.rule.bound[0] != "min":
        if old is None:
            return (
                f"{case.old.name} holds no grades of people alone: save the baseline again from its result, or gate"
                " against the result folder itself"
            )
        if old.draw != new.draw:
            return f"the two sides have {differing_text(old.draw, new.draw)}: {RERUN_EARLIER}"
    return f"values of {case.metric} are not known for all queries under grades of people and of the judge"


def _drop(case: Case, paired: Paired) -> RuleFinding:
    return _judged_drop(case, paired, case.rule.bound[1])


def _judged_drop(case: Case, paired: Paired, margin: float) -> RuleFinding:
    found = judge_drop(
        paired.differences,
        case.metric,
        margin,
        _alpha(case, paired),
        paired.clusters,
        corrected=_means(paired),
    )
    if found.status == "IDENTICAL" and paired.differs:
        found = replace(found, status="CANNOT TELL", sentence=_equal_to_people(case, paired))
    if found.status == "IDENTICAL":
        found = by_rankings(found, case, case.values(case.new, "result").query_ids)
    return _with_chances(case, (paired, paired), found, margin, margin)


def _equal_to_people(case: Case, paired: Paired) -> str:
    """Return that the versions are equal where people judged, and why there is no verdict for the other queries."""
    judged = queries_of(len(paired.query_ids))
    same = f"all values of {case.metric} are equal (n={judged}, those that people judged)"
    side = paired.judged
    if side is None:
        return same
    graded, differing = len(side.query_ids), int((side.differences != 0).sum())
    where = (
        f"by the judge's grades they differ at {differing} of {queries_of(graded)}"
        if differing
        else f"at {len(side.unlike)} of {queries_of(graded)} the two versions rank different documents"
    )
    return (
        f"{same}, but {where}: no verdict because people's grades do not show how large such a difference is"
    )


def _retained(case: Case, paired: Paired) -> RuleFinding:
    """Judge the difference from what keeps the share of the gain: the gain is as uncertain as the loss."""
    share = case.rule.bound[1]
    gained, target = case.corrected_gain(), case.corrected_target(share)
    if gained is None or target is None:
        raise NothingToJudgeError(
            f"the baseline has no corrected values of {case.old.first_stage} on {case.dataset}"
        )
    gain = float(_means(gained).means[0])
    if gain <= 0:
        raise NothingToJudgeError(
            f"{case.metric} of the baseline is not above its first stage, so there is no gain to retain"
        )
    if not paired.differs:
        return _judged_drop(case, paired, (1 - share) * gain)
    found = judge_retained(_means(target), case.metric, share, _alpha(case, paired), case.old.first_stage)
    return _with_chances(case, (paired, target), found, 0.0, (1 - share) * gain)


def _minimum(case: Case, paired: Paired) -> RuleFinding:
    """Judge the corrected mean; that of people alone where few values make Student's bounds too short."""
    limits, least = parse_metric(case.metric).limits, case.rule.bound[1]
    alone = has_few_values(paired.baseline, limits)
    corrected = None if alone else _means(paired)
    found = judge_minimum(
        paired.baseline,
        case.metric,
        least,
        _alpha(case, paired),
        paired.clusters,
        limits,
        corrected=corrected,
    )
    basis = _of_people(paired) if corrected is None else corrected_basis(paired, corrected, 1).text
    return replace(found, rests_on=basis)


def _fallen(case: Case, paired: Paired) -> RuleFinding:
    """Judge the share of queries that fall by people's queries alone: its exact bounds have no correction."""
    worst = worst_of_clusters(paired.differences, paired.clusters)
    found = judge_fallen(worst, case.metric, case.rule.bound[1], case.rule.fallen_by, _alpha(case, paired))
    return replace(found, rests_on=_of_people(paired))


def _with_chances(
    case: Case, pairs: tuple[Paired, Paired], found: RuleFinding, margin: float, room: float
) -> RuleFinding:
    """Return a finding with what it rests on, what more queries would show, and how often no change passes.

    Parameters
    ----------
    case, found
        What is judged, and what was found.
    pairs
        Both versions, and the values whose difference the finding bounds.
    margin
        Largest acceptable loss of that difference.
    room
        The loss of an unchanged version that would be the largest acceptable one.
    """
    versions, bounded = pairs
    corrected = _means(bounded)
    found = replace(found, rests_on=corrected_basis(bounded, corrected).text)
    if found.status == "INVALID":
        return found
    if found.status == "CANNOT TELL" and not corrected.has_few and found.lower != found.upper:
        found = replace(found, sentence=f"{found.sentence}. {_after(case, bounded, corrected, margin)}")
    of_mean, alpha = corrected.of(0), _alpha(case, bounded)
    deviation = of_mean.error * math.sqrt(of_mean.clusters) if found.status != "FAIL" else 0.0
    chance = chance_of_detecting(room, deviation, of_mean.clusters, alpha, sides=1)
    worst = worst_of_clusters(versions.differences, versions.clusters)
    return replace(with_unseen_share(found, worst, alpha), unchanged_passes=chance)


def _after(case: Case, paired: Paired, corrected: CorrectedMeans, margin: float) -> str:
    """Return what more queries judged by people would show; the judge's queries stay as they are."""
    if case.terms.look == "last":
        return "This was the last planned look"
    plan = correction_plan(paired, corrected)
    what = "queries" if paired.clusters is None else "clusters of queries"
    return with_looks(case, outlook_of_people(corrected.of(0), plan, margin, _alpha(case, paired), what))


def _alpha(case: Case, paired: Paired) -> float:
    """Return the error of a verdict: less where the draw was enlarged after people had judged."""
    return level(case.alpha, paired.enlarged)


def _means(paired: Paired) -> CorrectedMeans:
    found = corrected_of(paired)
    if found is None:
        raise NothingToJudgeError("no query was judged by people")
    return found


def _of_people(paired: Paired) -> str:
    """Return what a verdict rests on that takes no grade of the judge."""
    declared = ", declared random by the user" if paired.judged is not None and paired.judged.declared else ""
    looks = f"; {enlarged_text(paired.enlarged)}" if paired.enlarged else ""
    return f"people alone ({len(paired.query_ids)} human{declared}; the judge's grades are not used{looks})"


_RULES: Mapping[str, Callable[[Case, Paired], RuleFinding]] = {
    "max_drop": _drop,
    "retain": _retained,
    "min": _minimum,
    "max_fallen": _fallen,
}
"""Bound of a rule -> its judge."""
