"""``evalkit gate``: the verdict of every rule on every reranker and dataset that it applies to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import Paired, pair
from evalkit.comparison.comparison_set import QueryClusters
from evalkit.comparison.fallen_queries import judge_fallen, with_unseen_share, worst_of_clusters
from evalkit.comparison.gate_outlook import outlook
from evalkit.comparison.gate_verdicts import (
    GateVerdict,
    RuleFinding,
    invalid,
    judge_drop,
    judge_failures,
    judge_minimum,
    judge_ratio,
)
from evalkit.config import GateRule, GateSettings
from evalkit.errors import InputError
from evalkit.metrics import find_spelling
from evalkit.records import MetricValues
from evalkit.results.gate_document import GateResult
from evalkit.results.locate import check_distinct, locate_result
from evalkit.stats import MIN_QUERIES, chance_of_detecting, count_clusters, mean_error
from evalkit.summaries.gate_evidence import BELOW_DEPTH, NONE_BELOW, Evidence, evidence_of
from evalkit.summaries.opened_results import open_result
from evalkit.summaries.repeated_runs import averaged, check_repeats
from evalkit.workflows.baseline import locate_baseline, open_evidence
from evalkit.workflows.nights import judge_nights

DEFAULT_DROP = 0.01
Look = Literal["only", "first", "last"]
"""Which of the planned looks at the same change a gate is."""
_CHANGES = frozenset({"max_drop", "retain", "max_fallen", "max_slowdown"})
"""Bounds of rules that compare with the baseline."""


def gate(
    result: str | Path | Sequence[str | Path],
    against: str | Path,
    settings: GateSettings | None = None,
    *,
    nights: bool = False,
) -> GateResult:
    """Judge whether a result may replace a baseline.

    Parameters
    ----------
    result
        The new result (see `locate_result`), or several of the same version: their values are averaged per query, and
        the verdicts are written to the last one. Missing parts are ``INVALID``, never a regression.
    against
        A saved baseline, or a result.
    settings
        Rules; if None, the primary metric of the result may lose at most `DEFAULT_DROP`.
    nights
        Judge earlier gates in neighbouring folders together with this one. ``CANNOT TELL`` then passes: one night
        alone decides only where it fails.

    Raises
    ------
    InputError
        If a folder cannot be read, no rule applies to a reranker of both, or several results are not runs of the same
        thing.
    """
    named = [result] if isinstance(result, str | Path) else list(result)
    *paths, baseline = _locate([*named, against])
    opened = [open_result(path, allow_incomplete=True) for path in paths]
    check_repeats(opened)
    last = opened[-1]
    new, old = averaged([evidence_of(one) for one in opened]), open_evidence(baseline)
    if settings is None:
        settings = GateSettings(rules=(GateRule(metric=last.config.primary, max_drop=DEFAULT_DROP),))
    verdicts = _verdicts(settings, new, old)
    judged = {*new.tags, *(verdict.reranker for verdict in verdicts)}
    outcome = GateResult(
        result=new.name,
        against=old.name,
        verdicts=verdicts,
        open_passes=nights or settings.on_cannot_tell == "warn",
        missing=tuple(tag for tag in old.tags if tag not in judged),
        repeats=tuple(str(one.folder.path) for one in opened[:-1]),
        baseline_hash=old.values_hash,
    )
    last.folder.write_gates(outcome)
    if nights:
        margins = {_in_words(rule): rule.max_drop for rule in settings.rules if rule.max_drop is not None}
        outcome = replace(outcome, nights=judge_nights(outcome, last.folder, margins, settings.alpha))
        last.folder.write_gates(outcome)
    return outcome


def _locate(named: Sequence[str | Path]) -> list[Path]:
    """Return the folders of some results and, last, of the baseline; two names must not mean the same result."""
    # A complete result of yesterday must not stand in for a run that failed today.
    contenders = [locate_result(name, refuse_newer=True, scores=True) for name in named[:-1]]
    paths = [*contenders, locate_baseline(named[-1])]
    check_distinct(named, paths)
    return paths


def _verdicts(settings: GateSettings, new: Evidence, old: Evidence) -> tuple[GateVerdict, ...]:
    """Return the verdicts of all rules.

    Raises
    ------
    InputError
        If no rule applies to a reranker of both.
    """
    look: Look = "only" if settings.looks == 1 else "first" if settings.look == 1 else "last"
    verdicts = tuple(
        verdict
        for rule in settings.rules
        for verdict in judge_rule(rule, new, old, settings.alpha_per_look, look)
    )
    if not verdicts:
        raise InputError(
            f"no rule applies to a reranker that is in both {new.name} and {old.name}",
            f"use a tag of both; the result has: {', '.join(new.tags)}; the baseline has:"
            f" {', '.join(old.tags)}",
        )
    return verdicts


def judge_rule(
    rule: GateRule, new: Evidence, old: Evidence, alpha: float, look: Look = "only"
) -> Iterator[GateVerdict]:
    """Yield the verdict of one rule on every dataset and reranker; `alpha` is the error of this look."""
    # Rules on a change apply to the baseline's datasets: one that the result lacks is missing.
    side = old if rule.bound[0] in _CHANGES else new
    datasets = [rule.dataset] if rule.dataset else list(side.datasets)
    shared = [tag for tag in old.tags if tag in new.tags]
    # A reranker that a rule names must exist. Without a name, the shared ones are judged; without any shared one,
    # those of the baseline are missing.
    tags = [rule.reranker] if rule.reranker else (shared or list(old.tags))
    for dataset in datasets:
        for tag in tags:
            if not rule.reranker and tag == rule.latency_to:
                continue
            found = _find(_Case(rule, dataset, tag, new, old, alpha, look))
            yield GateVerdict(_in_words(rule), dataset, tag, **asdict(found))


def _in_words(rule: GateRule) -> str:
    """Return a rule as text, such as ``nDCG@10 max_drop 0.01``."""
    name, value = rule.bound
    of = rule.metric or (f"latency to {rule.latency_to}" if rule.latency_to else "calls")
    by = "" if rule.fallen_by is None else f" fallen_by {rule.fallen_by:g}"
    return f"{of} {name} {value:g}{by}"


class _NothingToJudgeError(Exception):
    """A rule cannot be judged; the message names what is missing or does not match."""


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """One rule on one dataset and reranker, with both sides."""

    rule: GateRule
    dataset: str
    tag: str
    new: Evidence
    old: Evidence
    alpha: float
    look: Look

    @property
    def metric(self) -> str:
        """The metric of the rule."""
        return self.rule.metric or ""

    @property
    def clusters(self) -> QueryClusters:
        """Which queries of the dataset are not independent."""
        return self.new.clusters.get(self.dataset, QueryClusters())


def _find(case: _Case) -> RuleFinding:
    try:
        if case.rule.bound[0] == "max_failed":
            return _failures(case)
        return _latency(case) if case.rule.latency_to is not None else _quality(case)
    except _NothingToJudgeError as error:
        return invalid(str(error))


def _failures(case: _Case) -> RuleFinding:
    key = case.dataset, case.tag
    calls, failed = case.new.calls.get(key, (0, 0))
    if not calls and case.new.unscored.get(key) == 0:
        return RuleFinding("PASS", "no calls: all scores were cached")
    return judge_failures(failed, calls, case.rule.bound[1])


def _quality(case: _Case) -> RuleFinding:
    name, bound = case.rule.bound
    if name == "min":
        found = _values(case, case.new, "result")
        values, together = found.of(case.metric), case.clusters.of(found.query_ids)
        return judge_minimum(values, case.metric, bound, case.alpha, together)
    paired = _paired(case)
    if name == "max_fallen":
        worst = worst_of_clusters(paired.differences, paired.clusters)
        return judge_fallen(worst, case.metric, bound, case.rule.fallen_by, case.alpha)
    return _drop(case, paired)


def _values(case: _Case, side: Evidence, role: str) -> MetricValues:
    """Return all values of a reranker on one side; `role` names the side in messages.

    Raises
    ------
    _NothingToJudgeError
        If the reranker, the metric or the scores of a query are missing.
    """
    key = case.dataset, case.tag
    if key not in side.values:
        raise _NothingToJudgeError(f"the {role} {side.name} has no {case.tag!r} on {case.dataset}")
    values, unscored = side.values[key], side.unscored[key]
    if unscored:
        raise _NothingToJudgeError(
            f"{case.tag} has no scores for {unscored} of {len(values.query_ids) + unscored} queries"
        )
    if find_spelling(case.metric, values.metrics) is None:
        raise _NothingToJudgeError(f"the {role} has no values of {case.metric}")
    return _spelt_as(case.metric, values)


def _spelt_as(metric: str, values: MetricValues) -> MetricValues:
    """Return values whose label of a metric is that of the rule."""
    label = find_spelling(metric, values.metrics)
    return replace(values, metrics=tuple(metric if one == label else one for one in values.metrics))


def _paired(case: _Case) -> Paired:
    """Return the values of the rule's metric on both sides.

    Raises
    ------
    _NothingToJudgeError
        If values are missing, or the data of both sides are not the same.
    """
    before, after = _values(case, case.old, "baseline"), _values(case, case.new, "result")
    _check_below_depth(case)
    mine = case.new.prints[case.dataset]
    differing = [
        name
        for name, hashed in case.old.prints[case.dataset].items()
        if name != BELOW_DEPTH and mine.get(name) != hashed
    ]
    if differing:
        raise _NothingToJudgeError(
            f"the {' and the '.join(differing)} of {case.dataset} differ from the baseline"
        )
    paired = pair(before, after, case.metric)
    if paired.left_out:
        raise _NothingToJudgeError(f"{paired.left_out} queries have a value on only one side")
    return replace(paired, clusters=case.clusters.of(paired.query_ids))


def _check_below_depth(case: _Case) -> None:
    """Check that candidates below the depth are kept on both sides or dropped on both, if there are any.

    Raises
    ------
    _NothingToJudgeError
        If they are not: rankings of both kinds differ without a change of the reranker.
    """
    mine, theirs = (side.prints[case.dataset].get(BELOW_DEPTH, "dropped") for side in (case.new, case.old))
    if mine != theirs and NONE_BELOW not in {mine, theirs}:
        raise _NothingToJudgeError(
            f"candidates below the depth are {mine} in {case.new.name} and {theirs} in {case.old.name}"
            f" (below_depth)"
        )


def _drop(case: _Case, paired: Paired) -> RuleFinding:
    name, bound = case.rule.bound
    differences, together, alpha = paired.differences, paired.clusters, case.alpha
    margin = bound if name == "max_drop" else _kept_margin(case, bound)
    found = judge_drop(differences, case.metric, margin, alpha, together)
    if found.status == "INVALID":
        return found
    if found.status == "IDENTICAL":
        found = _by_rankings(found, case, paired.query_ids)
    elif found.status == "CANNOT TELL" and found.n >= MIN_QUERIES and found.lower != found.upper:
        found = replace(found, sentence=f"{found.sentence}. {_after(case, paired, margin)}")
    # The spread of a version that got worse is not that of an unchanged one.
    count = count_clusters(together, found.n)
    known = count > 1 and found.status != "FAIL"
    deviation = mean_error(differences, together).error * math.sqrt(count) if known else 0.0
    chance = chance_of_detecting(margin, deviation, count, alpha, sides=1)
    worst = worst_of_clusters(differences, together)
    return replace(with_unseen_share(found, worst, alpha), unchanged_passes=chance)


def _by_rankings(found: RuleFinding, case: _Case, query_ids: Sequence[str]) -> RuleFinding:
    """Return `IDENTICAL` if all rankings are those of the baseline too, else `PASS`: equal values are not enough."""
    mine, theirs = (side.rankings.get((case.dataset, case.tag)) for side in (case.new, case.old))
    if mine is None or theirs is None:
        side = case.new if mine is None else case.old
        return replace(
            found, status="PASS", sentence=f"{found.sentence}; {side.name} has no rankings to compare"
        )
    differing = sum(mine.get(query_id) != theirs.get(query_id) for query_id in query_ids)
    if differing:
        return replace(found, status="PASS", sentence=f"{found.sentence}; {differing} rankings differ")
    return replace(found, sentence=f"{found.sentence}, and all rankings are equal")


def _after(case: _Case, paired: Paired, margin: float) -> str:
    """Return what more queries would show, and whether this gate may look again."""
    if case.look == "last":
        return "This was the last planned look"
    if paired.clusters is not None:  # how many clusters more queries would form is unknown
        return "More queries help only if they form new clusters"
    expected = outlook(paired.differences, margin, case.alpha)
    if case.look == "first":
        return f"{expected}. Test all queries, old and new, with `look: 2`"
    return f"{expected}. To gate again with more queries, set `looks: 2` before the first gate"


def _kept_margin(case: _Case, share: float) -> float:
    """Return the loss that keeps a share of the baseline's gain over its first stage."""
    values = case.old.values
    first = _spelt_as(case.metric, values[case.dataset, case.old.first_stage]).of(case.metric)
    gain = float(_spelt_as(case.metric, values[case.dataset, case.tag]).of(case.metric).mean() - first.mean())
    if gain <= 0:
        raise _NothingToJudgeError(
            f"{case.metric} of the baseline is not above its first stage, so there is no gain to retain"
        )
    return (1 - share) * gain


def _latency(case: _Case) -> RuleFinding:
    """Judge a ratio of latencies within the result, or its change from the same ratio within the baseline.

    Seconds of two runs are never compared: machines and their load differ.
    """
    name, bound = case.rule.bound
    mine = _log_ratios(case, case.new)
    what = f"latency ratio {case.tag} / {case.rule.latency_to}, batch size {case.rule.batch_size}"
    if name == "max_ratio":
        return judge_ratio(mine, what, bound, case.alpha)
    theirs = _log_ratios(case, case.old)
    # Rounds of two runs have nothing in common, so that which are subtracted does not matter: as many as both have.
    count = min(len(mine), len(theirs))
    what = f"{what}, relative to the baseline"
    return judge_ratio(mine[:count] - theirs[:count], what, bound, case.alpha, unchanged_is_1=True)


def _log_ratios(case: _Case, side: Evidence) -> NDArray[np.float64]:
    """Return ``(r,)`` log ratios of the round medians of two rerankers.

    Raises
    ------
    _NothingToJudgeError
        If they share no round.
    """
    rule, dataset, tag = case.rule, case.dataset, case.tag
    size, flight = rule.batch_size or 0, rule.concurrency
    medians = side.rounds.get((dataset, tag, size, flight), {})
    reference = side.rounds.get((dataset, rule.latency_to or "", size, flight), {})
    ratios = [medians[n] - reference[n] for n in sorted(medians) if n in reference]
    if not ratios:
        raise _NothingToJudgeError(
            f"{side.name} has no round with both {tag} and {rule.latency_to} on {dataset} at batch"
            f" size {size}"
        )
    return np.array(ratios)
