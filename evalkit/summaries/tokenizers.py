"""Values at budgets of tokens are comparable only if one tokenizer counted the tokens of both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalkit.comparison import ComparisonSet, System
from evalkit.errors import InputError, tell
from evalkit.metrics import parse_metric
from evalkit.records import DocumentTokens, MetricValues
from evalkit.summaries.opened_results import OpenedResult

_HASH_DIGITS = 12


def tokenizer_mismatch(one: ComparisonSet, other: ComparisonSet, metric: str) -> str | None:
    """Return the difference in tokenizers of two sets for a metric; None without a budget, or if there is none."""
    if parse_metric(metric).budget_tokens is None:
        return None
    mine, theirs = one.qrels.tokens, other.qrels.tokens
    if mine is None or theirs is None or mine.sha256 == theirs.sha256:
        return None
    return f"tokens of {metric} counted with {named_tokenizer(mine)} and with {named_tokenizer(theirs)}"


def with_comparable_metrics(
    before: OpenedResult, after: OpenedResult, primary: str
) -> tuple[OpenedResult, OpenedResult]:
    """Return two results without the metrics that different tokenizers make incomparable, with a note.

    Raises
    ------
    InputError
        If the primary metric is one of them.
    """
    pairs = [
        (mine, theirs)
        for mine in before.comparison_sets
        for theirs in after.comparison_sets
        if mine.dataset == theirs.dataset
    ]
    budgets = [label for label in before.config.metrics if parse_metric(label).budget_tokens is not None]
    different = {
        label: why
        for label in budgets
        for mine, theirs in pairs
        if (why := tokenizer_mismatch(mine, theirs, label)) is not None
    }
    if primary in different:
        raise InputError(
            f"{before.folder.path} and {after.folder.path} cannot be compared: {different[primary]}",
            "run both versions with the same tokenizer, or choose another metric with --primary",
        )
    if not different:
        return before, after
    tell(f"not compared, as tokens were counted with different tokenizers: {', '.join(different)}")
    return _without(before, frozenset(different)), _without(after, frozenset(different))


def named_tokenizer(tokens: DocumentTokens) -> str:
    """Return a tokenizer's name with its hash."""
    return f"{tokens.tokenizer} (sha256 {tokens.sha256[:_HASH_DIGITS]})"


def _without(result: OpenedResult, labels: frozenset[str]) -> OpenedResult:
    sets = (
        replace(one, systems={tag: _system_without(system, labels) for tag, system in one.systems.items()})
        for one in result.comparison_sets
    )
    return replace(result, comparison_sets=tuple(sets))


def _system_without(system: System, labels: frozenset[str]) -> System:
    values = system.values
    kept = np.array([label not in labels for label in values.metrics], dtype=np.bool_)
    metrics = tuple(label for label in values.metrics if label not in labels)
    return replace(system, values=MetricValues(values.tag, metrics, values.query_ids, values.values[:, kept]))
