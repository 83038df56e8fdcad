"""Metric notation: ``nDCG@10``, ``MRR(rel=2)@10``, ``nDCG(gains={1:1,2:3})@20``, ``AP(judged_only=True)``.

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
    "nDCG": frozenset({"dcg", "gains", "judged_only"}),
    "RR": frozenset({"rel", "judged_only"}),
    "AP": frozenset({"rel", "judged_only"}),
    "P": frozenset({"rel", "judged_only"}),
    "R": frozenset({"rel", "judged_only"}),
    "Success": frozenset({"rel", "judged_only"}),
    "Judged": frozenset(),
}
"""Metrics that evalkit computes itself, with the parameters it understands."""

DEFAULTS = frozenset({("dcg", "log2"), ("rel", 1), ("judged_only", False)})
"""Parameters that say nothing where they are given to a metric of `KERNELS`."""

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
        Sorted ``(key, value)`` pairs, without those that say nothing; gains are sorted pairs themselves.
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

    @property
    def judged_only(self) -> bool:
        """Whether unjudged documents are taken out of the lists first."""
        return bool(dict(self.params).get("judged_only", False))

    @property
    def exponential(self) -> bool:
        """Whether a grade is worth ``2**grade - 1``."""
        return dict(self.params).get("dcg") == "exp-log2"

    @property
    def gains(self) -> dict[int, int]:
        """What grades are worth; a grade that it lacks is worth itself."""
        return dict(next((value for key, value in self.params if key == "gains"), ()))  # type: ignore[call-overload, no-any-return]


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
    params = _parse_params(text, match["params"])
    if name in KERNELS:
        params = tuple(pair for pair in params if pair not in DEFAULTS)
    metric = Metric(name, params, cutoff, text.strip())
    if not metric.has_kernel:
        _check_with_ir_measures(metric)
    elif name in NEEDS_CUTOFF and cutoff is None:
        raise InputError(f"{text!r} needs a cutoff", f"write {text.strip()}@10, for instance")
    else:
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
    return tuple(sorted((key, _hashable(text, key, value)) for key, value in pairs))


def _hashable(text: str, key: str, value: object) -> object:
    """Return a parameter as it is, and a mapping of whole numbers (``gains``) as its sorted pairs."""
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict) and value and all(type(n) is int for pair in value.items() for n in pair):
        return tuple(sorted(value.items()))
    raise InputError(
        f"{key} of {text!r} cannot be read",
        "gains are whole numbers, e.g. nDCG(gains={1:1,2:3})@10; all of them times ten give the same nDCG",
    )


def _check_params(metric: Metric) -> None:
    params = dict(metric.params)
    rel, dcg = params.get("rel", 1), params.get("dcg", "log2")
    if type(rel) is not int or rel < 1:
        raise InputError(f"{metric.label!r}: rel must be a whole number of 1 or more")
    if dcg not in {"log2", "exp-log2"}:
        raise InputError(f"{metric.label!r}: unknown dcg {dcg!r}", "use 'log2' or 'exp-log2'")
    if "gains" in params and not isinstance(params["gains"], tuple):
        raise InputError(f"{metric.label!r}: gains must be a mapping", "write gains={1:1,2:3}")
    if metric.exponential and metric.gains:
        raise InputError(
            f"{metric.label!r} says twice what a grade is worth",
            "keep gains, or dcg='exp-log2', which is gains={1:1,2:3,3:7,...}",
        )
    if not isinstance(params.get("judged_only", False), bool):
        raise InputError(f"{metric.label!r}: judged_only must be True or False")


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
    params = ",".join(f"{key}={dict(v) if isinstance(v, tuple) else v!r}" for key, v in metric.params)
    cutoff = f"@{metric.cutoff}" if metric.cutoff else ""
    return f"{metric.name}{f'({params})' if params else ''}{cutoff}"
