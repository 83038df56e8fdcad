"""Metric notation: ``nDCG@10``, ``MRR(rel=2)@10``, ``nDCG(dcg='exp-log2')@20``.

The notation is that of ir_measures, parsed here because metric names are read on every start
and because a name must not depend on which optional provider is installed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from evalkit.errors import InputError, UnknownNameError

ALIASES = {"MRR": "RR", "NDCG": "nDCG", "MAP": "AP", "Recall": "R", "Precision": "P"}
"""Other spellings of one metric."""

KERNELS: dict[str, frozenset[str]] = {
    "nDCG": frozenset({"dcg"}),
    "RR": frozenset({"rel"}),
    "AP": frozenset({"rel"}),
    "P": frozenset({"rel"}),
    "R": frozenset({"rel"}),
    "Success": frozenset({"rel"}),
    "Judged": frozenset(),
}
"""Metrics that evalkit computes itself, with the parameters it understands."""

NEEDS_CUTOFF = frozenset({"P", "R", "Success"})

_NOTATION = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*(?P<params>\(.*\))?\s*(?:@\s*(?P<cutoff>\d+))?")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as a value. Two spellings of one metric are equal; `label` keeps the user's spelling.

    Attributes
    ----------
    name
        Canonical name, e.g. ``RR``.
    params
        Sorted ``(key, value)`` pairs.
    cutoff
        The n in nDCG@n, or None.
    label
        The notation as given.
    """

    name: str
    params: tuple[tuple[str, object], ...]
    cutoff: int | None
    label: str = field(compare=False)

    @property
    def has_kernel(self) -> bool:
        """Whether evalkit computes it itself; anything else goes to ir_measures."""
        return self.name in KERNELS and {key for key, _ in self.params} <= KERNELS[self.name]

    @property
    def rel(self) -> int:
        """The lowest grade that counts as relevant (binary metrics)."""
        return int(str(dict(self.params).get("rel", 1)))


def parse_metric(text: str) -> Metric:
    """Read one metric name.

    Raises
    ------
    InputError
        If the notation is malformed or a parameter or cutoff is impossible.
    UnknownNameError
        If neither evalkit nor ir_measures knows the name.
    """
    match = _NOTATION.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is not a metric name", "write it like nDCG@10 or MRR(rel=2)@10")
    name = ALIASES.get(match["name"], match["name"])
    cutoff = int(match["cutoff"]) if match["cutoff"] else None
    if cutoff == 0:
        raise InputError(f"{text!r} has the cutoff 0", "a cutoff is 1 or more")
    metric = Metric(name, _parse_params(text, match["params"]), cutoff, text.strip())
    if not metric.has_kernel:
        _check_with_ir_measures(metric)
    elif name in NEEDS_CUTOFF and cutoff is None:
        raise InputError(f"{text!r} needs a cutoff", f"write {text.strip()}@10, for instance")
    _check_params(metric)
    return metric


def parse_metrics(texts: Iterable[str]) -> tuple[Metric, ...]:
    """Read several metric names, refusing the same metric twice."""
    seen: dict[Metric, str] = {}
    for text in texts:
        metric = parse_metric(text)
        if metric in seen:
            raise InputError(f"{text!r} and {seen[metric]!r} are the same metric", "keep one of them")
        seen[metric] = metric.label
    return tuple(seen)


def _parse_params(text: str, params: str | None) -> tuple[tuple[str, object], ...]:
    if not params:
        return ()
    try:
        call = ast.parse(f"f{params}", mode="eval").body
        keywords = call.keywords if isinstance(call, ast.Call) and not call.args else []
        pairs = [(str(keyword.arg), ast.literal_eval(keyword.value)) for keyword in keywords]
    except (SyntaxError, ValueError):
        pairs = []
    if not pairs:
        raise InputError(
            f"the parameters of {text!r} cannot be read",
            "write name=value pairs, e.g. nDCG(dcg='exp-log2')@10",
        )
    # A dict value (gains={...}) is unhashable: keep its text, which ir_measures reads again.
    return tuple(sorted((k, repr(v) if isinstance(v, dict) else v) for k, v in pairs))


def _check_params(metric: Metric) -> None:
    params = dict(metric.params)
    if metric.has_kernel and "rel" in params and (not isinstance(params["rel"], int) or params["rel"] < 1):
        raise InputError(f"{metric.label!r}: rel must be a whole number of 1 or more")
    if metric.name == "nDCG" and params.get("dcg", "log2") not in {"log2", "exp-log2"}:
        raise InputError(f"{metric.label!r}: unknown dcg {params['dcg']!r}", "use 'log2' or 'exp-log2'")


def _check_with_ir_measures(metric: Metric) -> None:
    import ir_measures

    known = set(ir_measures.measures.registry) | set(ALIASES) | set(KERNELS)
    if metric.name not in known:
        raise UnknownNameError("metric", metric.name, known)
    try:
        measure = ir_measures.parse_measure(ir_measures_notation(metric))
        able = [
            provider for provider in ir_measures.providers.registry.values() if provider.supports(measure)
        ]
    except (ValueError, AssertionError, NameError, TypeError) as error:
        raise InputError(f"{metric.label!r} is not a valid metric: {error}") from None
    if not any(provider.is_available() for provider in able):
        raise InputError(
            f"{metric.label!r} cannot be computed: no installed package of ir_measures supports it",
            "see ir_measures' own documentation for the package it needs, or use another metric",
        )


def ir_measures_notation(metric: Metric) -> str:
    """Return the notation that ir_measures parses."""
    params = ",".join(f"{k}={v if k == 'gains' else repr(v)}" for k, v in metric.params)
    cutoff = f"@{metric.cutoff}" if metric.cutoff else ""
    return f"{metric.name}{f'({params})' if params else ''}{cutoff}"
