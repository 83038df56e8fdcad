"""``evalkit gate``: the verdict of every rule on every reranker and dataset that it applies to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import pair
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
from evalkit.records import MetricValues
from evalkit.results.gate_document import GateResult
from evalkit.summaries.gate_evidence import Evidence, evidence_of
from evalkit.summaries.opened_results import open_result
from evalkit.workflows.baseline import open_evidence

DEFAULT_DROP = 0.01


def gate(result: str | Path, against: str | Path, settings: GateSettings | None = None) -> GateResult:
    """Judge whether a result may replace a baseline.

    Parameters
    ----------
    result
        The new result folder. Missing parts of it are ``INVALID``, never a regression.
    against
        A saved baseline, or a result folder.
    settings
        Rules; if None, the primary metric of the result may lose at most `DEFAULT_DROP`.

    Raises
    ------
    InputError
        If a folder cannot be read, or no rule applies to a reranker of both.
    """
    opened = open_result(Path(result), allow_incomplete=True)
    new, old = evidence_of(opened), open_evidence(Path(against))
    if settings is None:
        settings = GateSettings(rules=(GateRule(metric=opened.config.primary, max_drop=DEFAULT_DROP),))
    verdicts = tuple(
        verdict for rule in settings.rules for verdict in judge_rule(rule, new, old, settings.alpha)
    )
    if not verdicts:
        raise InputError(
            f"no rule speaks of a reranker that is in {new.name} and in {old.name}",
            f"the result has: {', '.join(new.tags)}; the baseline: {', '.join(old.tags)}",
        )
    judged = {*new.tags, *(verdict.reranker for verdict in verdicts)}
    missing = tuple(tag for tag in old.tags if tag not in judged)
    outcome = GateResult(new.name, old.name, verdicts, settings.on_cannot_tell == "warn", missing)
    opened.folder.write_gates(outcome)
    return outcome


def judge_rule(rule: GateRule, new: Evidence, old: Evidence, alpha: float) -> Iterator[GateVerdict]:
    """Yield the verdict of one rule on every dataset and reranker."""
    # Rules on a change apply to the baseline's datasets: one that the result lacks is missing.
    side = old if rule.bound[0] in {"max_drop", "retain", "max_slowdown"} else new
    datasets = [rule.dataset] if rule.dataset else list(side.datasets)
    shared = [tag for tag in old.tags if tag in new.tags]
    # A reranker that a rule names must exist. Without a name, the shared ones are judged; without any shared one,
    # those of the baseline are missing.
    tags = [rule.reranker] if rule.reranker else (shared or list(old.tags))
    for dataset in datasets:
        for tag in tags:
            if not rule.reranker and tag == rule.latency_to:
                continue
            found = _find(rule, dataset, tag, new, old, alpha)
            yield GateVerdict(_in_words(rule), dataset, tag, **asdict(found))


def _in_words(rule: GateRule) -> str:
    """Return a rule as text, such as ``nDCG@10 max_drop 0.01``."""
    name, value = rule.bound
    of = rule.metric or (f"latency to {rule.latency_to}" if rule.latency_to else "calls")
    return f"{of} {name} {value:g}"


class _NothingToJudgeError(Exception):
    """A rule cannot be judged; the message names what is missing or does not match."""


def _find(rule: GateRule, dataset: str, tag: str, new: Evidence, old: Evidence, alpha: float) -> RuleFinding:
    name, bound = rule.bound
    try:
        if name == "max_failed":
            calls, failed = new.calls.get((dataset, tag), (0, 0))
            if not calls and new.unscored.get((dataset, tag)) == 0:
                return RuleFinding("PASS", "no calls were needed: every score was known")
            return judge_failures(failed, calls, bound)
        if rule.latency_to is not None:
            return _latency(rule, dataset, tag, new, old, alpha)
        if name == "min":
            values = _values(new, "result", dataset, tag, rule)
            return judge_minimum(values.of(rule.metric or ""), rule.metric or "", bound, alpha)
        return _drop(rule, dataset, tag, new, old, alpha)
    except _NothingToJudgeError as error:
        return invalid(str(error))


def _values(side: Evidence, role: str, dataset: str, tag: str, rule: GateRule) -> MetricValues:
    """Return all values of a reranker on one side; `role` names the side in messages.

    Raises
    ------
    _NothingToJudgeError
        If the reranker, the metric or the scores of a query are missing.
    """
    if (dataset, tag) not in side.values:
        raise _NothingToJudgeError(f"the {role} {side.name} has no {tag!r} on {dataset}")
    values, unscored = side.values[dataset, tag], side.unscored[dataset, tag]
    if unscored:
        raise _NothingToJudgeError(f"{tag} scored {len(values.query_ids)} queries and not {unscored} others")
    if rule.metric not in values.metrics:
        raise _NothingToJudgeError(f"the {role} has no values of {rule.metric}")
    return values


def _drop(rule: GateRule, dataset: str, tag: str, new: Evidence, old: Evidence, alpha: float) -> RuleFinding:
    before = _values(old, "baseline", dataset, tag, rule)
    after = _values(new, "result", dataset, tag, rule)
    differing = [
        name for name, hashed in old.prints[dataset].items() if new.prints[dataset].get(name) != hashed
    ]
    if differing:
        raise _NothingToJudgeError(
            f"the {' and the '.join(differing)} of {dataset} are not those of the baseline"
        )
    name, bound = rule.bound
    metric = rule.metric or ""
    paired = pair(before, after, metric)
    if paired.left_out:
        raise _NothingToJudgeError(f"{paired.left_out} queries have a value on one side only")
    margin = bound if name == "max_drop" else _kept_margin(old, dataset, tag, metric, bound)
    return judge_drop(paired.differences, metric, margin, alpha)


def _kept_margin(old: Evidence, dataset: str, tag: str, metric: str, share: float) -> float:
    """Return the loss that keeps a share of the baseline's gain over its first stage."""
    first = old.values[dataset, old.first_stage].of(metric)
    gain = float(old.values[dataset, tag].of(metric).mean() - first.mean())
    if gain <= 0:
        raise _NothingToJudgeError(
            f"the baseline's {metric} is not above its first stage: there is no gain to retain"
        )
    return (1 - share) * gain


def _latency(
    rule: GateRule, dataset: str, tag: str, new: Evidence, old: Evidence, alpha: float
) -> RuleFinding:
    """Judge a ratio of latencies within the result, or its change from the same ratio within the baseline.

    Seconds of two runs are never compared: machines and their load differ.
    """
    name, bound = rule.bound
    mine = _log_ratios(rule, dataset, tag, new)
    what = f"latency of {tag} by {rule.latency_to}, batch {rule.batch_size}"
    if name == "max_ratio":
        return judge_ratio(mine, what, bound, alpha)
    theirs = _log_ratios(rule, dataset, tag, old)
    # Rounds of two runs have nothing in common, so that which are subtracted does not matter: as many as both have.
    count = min(len(mine), len(theirs))
    return judge_ratio(mine[:count] - theirs[:count], f"{what}, by the same in the baseline", bound, alpha)


def _log_ratios(rule: GateRule, dataset: str, tag: str, side: Evidence) -> NDArray[np.float64]:
    """Return ``(r,)`` log ratios of the round medians of two rerankers.

    Raises
    ------
    _NothingToJudgeError
        If they share no round.
    """
    size, flight = rule.batch_size or 0, rule.concurrency
    medians = side.rounds.get((dataset, tag, size, flight), {})
    reference = side.rounds.get((dataset, rule.latency_to or "", size, flight), {})
    ratios = [medians[n] - reference[n] for n in sorted(medians) if n in reference]
    if not ratios:
        raise _NothingToJudgeError(
            f"{side.name} timed no rounds of both {tag} and {rule.latency_to} on {dataset} at batch {size}"
        )
    return np.array(ratios)
