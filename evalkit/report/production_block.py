"""Settings for production as a decision, a table and a block of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.report.judged_by import rests_on_text
from evalkit.report.numbers import (
    NO_VALUE,
    cost_text,
    difference_text,
    interval_text,
    milliseconds_text,
    share_text,
    value_text,
)
from evalkit.report.table import Table
from evalkit.report.tuned_depth import why_deepest
from evalkit.results.production_document import LatencyAtDepth, ProductionRule
from evalkit.stats import Interval


def decision_line(rule: ProductionRule) -> str:
    """Return the settings of one reranker in a sentence, and whether the held-out queries confirm them."""
    system, check = f"{rule.dataset}: {rule.reranker}", rule.held_out
    if rule.why_not is not None:
        return f"{system}: no settings: {rule.why_not}."
    settings = f"{system}: rerank {_depth_text(rule)}, {_cut(rule)}."
    if _drops_nothing(rule):
        same = "These are all candidates, so there is no loss to confirm."
        return f"{settings} {same}{rests_on_text(rule.data.rests_on)}"
    found = "confirm" if check.is_confirmed else "do not confirm"
    return (
        f"{settings} Held-out queries {found} a loss of at most"
        f" {check.margin:g} {check.metric} compared with all candidates, up to {check.full_depth}, and no threshold:"
        f" {difference_text(check.difference)}{'' if check.is_confirmed else f' ({check.sentence})'}."
        f"{rests_on_text(rule.data.rests_on)}"
    )


def _drops_nothing(rule: ProductionRule) -> bool:
    """Return whether the settings are all candidates without a threshold: a comparison would be with themselves."""
    return rule.threshold is None and rule.depth >= rule.held_out.full_depth


def _depth_text(rule: ProductionRule) -> str:
    if rule.made_at.source == "deepest":
        return f"all candidates, up to {rule.depth} (no number is recommended)"
    return f"{rule.depth} candidates" + (
        " (as tune depth recommends)" if rule.made_at.source == "recommended" else ""
    )


def _cut(rule: ProductionRule) -> str:
    if rule.threshold is None:
        return f"without threshold ({rule.threshold_why_not})"
    return f"and drop documents with a score below {rule.threshold!r}"


def decision_lines(rule: ProductionRule) -> Iterator[str]:
    """Yield the sentence of `decision_line`, and the evidence for it."""
    yield decision_line(rule)
    check = rule.held_out
    why = why_deepest(rule.made_at)
    if why is not None:
        yield f"  {why}"
    yield (
        f"  {check.metric} on {check.quality.n} held-out queries: {interval_text(check.quality)}, with"
        f" all candidates and no threshold {interval_text(check.full_quality)}."
    )
    yield f"  Recall is relative to these candidates of a query: {share_text(check.recall)} is kept."
    if rule.probability is None:
        yield f"  No probabilities: {rule.probability_why_not}."


def production_block(rule: ProductionRule) -> str:
    """Return the settings as lines of name and value, to be copied."""
    check = rule.held_out
    rows = (
        ("reranker", rule.reranker),
        ("model", rule.model.model or rule.model.backend),
        ("depth", str(rule.depth)),
        ("threshold", NO_VALUE if rule.threshold is None else repr(rule.threshold)),
        ("probability", _function_text(rule)),
        ("documents kept", interval_text(check.kept, ".1f")),
        ("queries without results", share_text(check.empty)),
        ("p95 latency (ms)", _latency_text(rule.latency)),
        ("$ per 1,000 queries", cost_text(rule.usd_per_thousand_queries)),
    )
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _function_text(rule: ProductionRule) -> str:
    """Return the formula of a function; the points of an isotonic one are in the file."""
    function = rule.probability
    if function is None:
        return NO_VALUE
    x = "log-odds(score)" if function.log_odds else "score"
    if function.kind == "platt":
        a, b = function.parameters["a"], function.parameters["b"]
        return f"1 / (1 + exp(-({a!r} * {x} + {b!r})))"
    return f"{function.name}, {len(function.parameters['x'])} points of {x}"


def _latency_text(latency: LatencyAtDepth | None) -> str:
    if latency is None:
        return NO_VALUE
    text = milliseconds_text(Interval(latency.p95_s, latency.lower_s, latency.upper_s, 0))
    return text if latency.measured else f"{text} (interpolated)"


def rules_table(rules: Sequence[ProductionRule]) -> Table:
    """Return the settings of each reranker with their held-out figures."""
    columns = (
        "dataset", "reranker", "candidates", "threshold", "held-out mean", "difference", "recall",
        "documents kept", "queries without results",
    )  # fmt: skip
    note = (
        "Held-out queries. Difference: to all candidates without threshold. Recall: relative to these candidates."
        " Documents kept: share of them."
    )
    cells = tuple(_cells(rule) for rule in rules)
    return Table("Settings for production", columns, cells, note, left=2, keys=2)


def _cells(rule: ProductionRule) -> tuple[str, ...]:
    check = rule.held_out
    return (
        rule.dataset,
        rule.reranker,
        str(rule.depth),
        value_text(rule.threshold, repr),
        interval_text(check.quality),
        NO_VALUE if _drops_nothing(rule) else difference_text(check.difference),
        share_text(check.recall),
        share_text(check.kept_share),
        share_text(check.empty),
    )
