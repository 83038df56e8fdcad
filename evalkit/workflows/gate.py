"""``evalkit gate``: the verdict of every rule on every reranker and dataset that it applies to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from shlex import quote

from evalkit.comparison.gate_verdicts import GateVerdict, invalid
from evalkit.comparison.score_origins import HOUR_S, AcceptedScores
from evalkit.config import GateRule, GateSettings
from evalkit.errors import InputError
from evalkit.report.manifest_command import config_in
from evalkit.results.gate_document import GateResult
from evalkit.results.locate import check_distinct, locate_result
from evalkit.summaries.gate_evidence import Evidence, evidence_of
from evalkit.summaries.opened_results import open_result
from evalkit.summaries.repeated_runs import averaged, check_repeats
from evalkit.summaries.scored_texts import DOCUMENTS, PASSAGES, note_scored_texts
from evalkit.workflows.baseline import locate_baseline, open_evidence
from evalkit.workflows.gate_case import Case, Look, NothingToJudgeError, Part, Terms, parts
from evalkit.workflows.gate_findings import basis_of, find
from evalkit.workflows.nights import judge_nights

DEFAULT_DROP = 0.01
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
    note_scored_texts(
        (old.name, {name: one.get(PASSAGES, DOCUMENTS) for name, one in old.prints.items()}),
        (new.name, {name: one.get(PASSAGES, DOCUMENTS) for name, one in new.prints.items()}),
    )
    verdicts = _verdicts(settings, new, old, quote(config_in(last.manifest.command)))
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
        margins = {rule_in_words(rule): rule.max_drop for rule in settings.rules if rule.max_drop is not None}
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


def _verdicts(settings: GateSettings, new: Evidence, old: Evidence, config: str) -> tuple[GateVerdict, ...]:
    """Return the verdicts of all rules.

    Raises
    ------
    InputError
        If no rule applies to a reranker of both.
    """
    look: Look = "only" if settings.looks == 1 else "first" if settings.look == 1 else "last"
    age_h = settings.max_score_age_hours
    accepted = AcceptedScores(None if age_h is None else age_h * HOUR_S, settings.drift_check_queries)
    terms = Terms(settings.alpha_per_look, look, accepted, settings.allow_synthetic, config)
    verdicts = tuple(verdict for rule in settings.rules for verdict in judge_rule(rule, new, old, terms))
    if not verdicts:
        raise InputError(
            f"no rule applies to a reranker that is in both {new.name} and {old.name}",
            f"use a tag of both; the result has: {', '.join(new.tags)}; the baseline has:"
            f" {', '.join(old.tags)}",
        )
    return verdicts


def judge_rule(rule: GateRule, new: Evidence, old: Evidence, terms: Terms) -> Iterator[GateVerdict]:
    """Yield the verdicts of one rule: one on every dataset, reranker and slice."""
    # Rules on a change apply to the baseline's datasets: one that the result lacks is missing.
    side = old if rule.bound[0] in _CHANGES else new
    datasets = [rule.dataset] if rule.dataset else list(side.datasets)
    shared = [tag for tag in old.tags if tag in new.tags]
    # A reranker that a rule names must exist. Without a name, the shared ones are judged; without any shared one,
    # those of the baseline are missing.
    tags = [rule.reranker] if rule.reranker else (shared or list(old.tags))
    for dataset in datasets:
        for tag in tags:
            if not rule.reranker and _lacks_run(dataset, tag, new, old):
                continue
            if rule.reranker or _applies(rule, dataset, tag, new):
                yield from _on_parts(Case(rule, dataset, tag, new, old, terms))


def _applies(rule: GateRule, dataset: str, tag: str, new: Evidence) -> bool:
    """Return whether a rule that names no reranker has anything to judge on one: timed calls, a price or scores."""
    if rule.latency_to is not None:
        return tag != rule.latency_to and (dataset, tag) not in new.runs
    if rule.bound[0] == "max_cost_per_1k":
        return tag in new.priced or not new.priced
    return rule.threshold is None or (dataset, tag) in new.scored or not new.scored


def _lacks_run(dataset: str, tag: str, new: Evidence, old: Evidence) -> bool:
    """Return whether a tag is that of a run which no side has on a dataset: a run need not cover all of them."""
    is_run = any(run == tag for _, run in new.runs | old.runs)
    return is_run and (dataset, tag) not in new.values and (dataset, tag) not in old.values


def _on_parts(case: Case) -> Iterator[GateVerdict]:
    """Yield the verdict on each slice that the rule of a case names, or on all queries."""
    if case.rule.by is None or (case.dataset, case.tag) not in case.new.values:
        yield _verdict(case)
        return
    try:
        chosen = list(parts(case))
    except NothingToJudgeError as error:
        finding = asdict(invalid(str(error)))
        yield GateVerdict(rule_in_words(case.rule), case.dataset, case.tag, **finding, scores=basis_of(case))
        return
    for part in chosen:
        yield _verdict(replace(case, part=part))


def _verdict(case: Case) -> GateVerdict:
    words, part = rule_in_words(case.rule, case.part), case.part.name if case.part else None
    found = asdict(find(case))
    return GateVerdict(words, case.dataset, case.tag, **found, scores=basis_of(case), part=part)


def rule_in_words(rule: GateRule, part: Part | None = None) -> str:
    """Return a rule as text, such as ``nDCG@10 max_drop 0.01``, with its slice."""
    name, value = rule.bound
    of = rule.metric or (f"latency to {rule.latency_to}" if rule.latency_to else "")
    of = of or (f"threshold {rule.threshold:g}" if rule.threshold is not None else "")
    of = of or ("cost" if name == "max_cost_per_1k" else "calls")
    by = "" if rule.fallen_by is None else f" fallen_by {rule.fallen_by:g}"
    on = f", {part.name}" if part else f", by {rule.by}" if rule.by else ""
    return f"{of} {name} {value:g}{by}{on}"
