"""Read metric notation: ``nDCG@10``, ``MRR(rel=2)@10``, ``nDCG(gains={1:1,2:3})@20``, ``AP(judged_only=True)``.

The notation is that of ir_measures. It is parsed here because evalkit reads metric names on every start, and because
a name must not depend on which optional provider is installed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from evalkit.errors import InputError, tell
from evalkit.metrics import definitions, provider_checks, token_budget
from evalkit.metrics.metric import Metric, MetricDefinition
from evalkit.metrics.parameters import SHARED, refuse_unknown_parameters
from evalkit.metrics.provided import find_provided
from evalkit.metrics.spelling import NOTATION, definition_of, proper_spelling

__all__ = [
    "Metric",
    "distinct_metrics",
    "find_spelling",
    "parse_metric",
    "parse_metrics",
    "proper_name",
    "same_metric",
]


HIGHEST_CUTOFF = 1_000_000
"""No list is longer, and no place beyond it is looked at."""
HIGHEST_BUDGET = 100_000_000
"""Tokens; no context window is larger."""
_HIGHEST_GAIN = 1_000_000
_MOST_CHARACTERS = 300
"""Length of a metric's name with its parameters."""


def parse_metric(text: str) -> Metric:
    """Read one metric name.

    Raises
    ------
    InputError
        If the notation is malformed or a parameter or cutoff is impossible.
    UnknownNameError
        If neither evalkit nor ir_measures knows the name.
    """
    text = text.strip()
    if len(text) > _MOST_CHARACTERS:
        raise InputError(
            f"a metric name of {len(text)} characters: {text[:40]!r}...", f"use at most {_MOST_CHARACTERS}"
        )
    # A proper name keeps its label: NDCG and nDCG are columns of different names in older results.
    if definition_of(text) is None:
        text = proper_spelling(text)
    match = NOTATION.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is not a metric name", "write it like nDCG@10 or MRR(rel=2)@10")
    cutoff, budget, level = _read_cutoff(text, match)
    params = _with_level(text, match["name"], _parse_params(text, match["params"]), level)
    definition = definitions.find_definition(match["name"])
    if run_metric := definitions.find_run_metric(match["name"]):
        return _plain(Metric(run_metric.name, params, cutoff, text, None, budget, run_metric))
    if definition is not None:
        params = _without_defaults(params, definition)
    known = definition or find_provided(match["name"])
    metric = Metric(known.name if known else match["name"], params, cutoff, text, definition, budget)
    token_budget.check(metric)
    if definition is None:
        provider_checks.check(metric)
    else:
        _check_own(metric, definition)
    return metric


def _check_own(metric: Metric, definition: MetricDefinition) -> None:
    """Check the parameters and the cutoff of a metric of evalkit's own."""
    text, cut = metric.label, metric.cutoff is not None or metric.budget_tokens is not None
    refuse_unknown_parameters(metric, definition)
    if definition.needs_cutoff and not cut:
        raise InputError(f"{text!r} needs a cutoff", f"write {text}@10, for instance")
    if cut and not definition.takes_cutoff:
        raise InputError(f"{text!r}: {definition.name} takes no cutoff", f"write {text.partition('@')[0]}")
    for parameter in definition.parameters:
        parameter.check(metric)


def _plain(metric: Metric) -> Metric:
    """Return a metric that accepts no parameter and no cutoff.

    Raises
    ------
    InputError
        If it has one.
    """
    if metric.params or metric.cutoff is not None or metric.budget_tokens is not None:
        raise InputError(f"{metric.label!r} has a parameter or a cutoff", f"write {metric.name}")
    return metric


def parse_metrics(texts: Iterable[str]) -> tuple[Metric, ...]:
    """Read several metric names.

    Raises
    ------
    InputError
        If a name cannot be read, or names the same metric as another.
    """
    seen: dict[Metric, str] = {}
    for text in texts:
        metric = parse_metric(text)
        if metric in seen:
            raise InputError(f"{text!r} and {seen[metric]!r} are the same metric", "keep one of them")
        seen[metric] = metric.label
    return tuple(seen)


def proper_name(text: str) -> str:
    """Return the proper name of a metric, with a note if it is typed differently; an unknown name unchanged."""
    proper = proper_spelling(text)
    if proper != text.strip():
        tell(f"reading {text!r} as {proper}")
    return proper


def find_spelling(text: str, labels: Iterable[str]) -> str | None:
    """Return the label of the same metric, with a note if it is spelt differently; None if none is the same."""
    known = list(labels)
    if text in known:
        return text
    found = next((label for label in known if same_metric(text, label)), None)
    if found is not None:
        tell(f"reading {text!r} as {found}")
    return found


def same_metric(one: str, other: str) -> bool:
    """Return whether two names mean the same metric; a name that cannot be read means none."""
    try:
        return parse_metric(one) == parse_metric(other)
    except InputError:
        return False


def distinct_metrics(texts: Sequence[str]) -> tuple[str, ...]:
    """Return proper names without those that mean the same metric as an earlier one."""
    kept: list[str] = []
    for name in map(proper_name, texts):
        if not any(same_metric(name, earlier) for earlier in kept):
            kept.append(name)
    return tuple(kept)


def _read_cutoff(text: str, match: re.Match[str]) -> tuple[int | None, int | None, float | None]:
    """Return the cutoff, the budget in tokens, and the level (``IPrec@0.1``), of which at most one is given."""
    if match["cutoff"] is None:
        return None, None, None
    if match["unit"] and "." in match["cutoff"]:
        raise InputError(
            f"{text!r} has a budget of {match['cutoff']} tokens",
            "use a whole number of tokens, e.g. nDCG@2000t",
        )
    provided = find_provided(match["name"])
    if provided is not None and provided.level and not match["unit"]:
        return None, None, float(match["cutoff"])
    if match["unit"]:
        budget = int(match["cutoff"])
        if not 1 <= budget <= HIGHEST_BUDGET:
            raise InputError(
                f"{text!r} has a budget of {budget} tokens", f"use a budget between 1 and {HIGHEST_BUDGET}"
            )
        return None, budget, None
    if "." in match["cutoff"]:
        return None, None, float(match["cutoff"])
    cutoff = int(match["cutoff"])
    if not 1 <= cutoff <= HIGHEST_CUTOFF:
        raise InputError(f"{text!r} has the cutoff {cutoff}", f"use a cutoff between 1 and {HIGHEST_CUTOFF}")
    return cutoff, None, None


def _with_level(
    text: str, name: str, params: tuple[tuple[str, object], ...], level: float | None
) -> tuple[tuple[str, object], ...]:
    """Return the parameters with the level of recall that a metric has instead of a cutoff."""
    if level is None:
        return params
    provided = find_provided(name)
    if provided is None or not provided.level:
        raise InputError(f"{text!r} has the cutoff {level}", "use a whole number as the cutoff")
    return tuple(sorted((*params, ("recall", level))))


def _parse_params(text: str, params: str | None) -> tuple[tuple[str, object], ...]:
    if not params:
        return ()
    try:
        call = ast.parse(f"f{params}", mode="eval").body
        keywords = call.keywords if isinstance(call, ast.Call) and not call.args else []
        pairs = [(str(keyword.arg), ast.literal_eval(keyword.value)) for keyword in keywords]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pairs = []
    if not pairs:
        raise InputError(
            f"invalid parameters in {text!r}",
            "write name=value pairs, e.g. nDCG(dcg='exp-log2')@10",
        )
    return tuple(sorted((key, _hashable(text, key, value)) for key, value in pairs))


def _without_defaults(
    params: tuple[tuple[str, object], ...], definition: MetricDefinition
) -> tuple[tuple[str, object], ...]:
    own = {one.name for one in definition.parameters}
    shared = [one for one in SHARED if one.name not in own]
    defaults = {(one.name, one.default) for one in (*shared, *definition.parameters)}
    return tuple(pair for pair in params if pair not in defaults)


def _hashable(text: str, key: str, value: object) -> object:
    """Return a parameter's value unchanged; a mapping of whole numbers (``gains``) as sorted pairs."""
    if isinstance(value, str | bool | int | float):
        return _finite(text, key, value)
    if isinstance(value, dict) and value and all(_is_gain(n) for pair in value.items() for n in pair):
        return tuple(sorted(value.items()))
    raise InputError(
        f"invalid {key} in {text!r}",
        "use whole numbers as gains, e.g. nDCG(gains={1:1,2:3})@10, of at most 1000000; only their ratios matter",
    )


def _is_gain(number: object) -> bool:
    return type(number) is int and abs(number) <= _HIGHEST_GAIN


def _finite(text: str, key: str, value: str | float) -> str | float:
    """Return a parameter's value; raise `InputError` for a number that no grade, rank or probability reaches."""
    if not isinstance(value, str) and not abs(value) <= _HIGHEST_GAIN:
        raise InputError(f"invalid {key} in {text!r}", f"use a number of at most {_HIGHEST_GAIN}")
    return value
