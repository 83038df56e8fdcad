"""Whether another package can compute a metric: its parameters, its cutoff, and whether the package is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from evalkit.errors import InputError, MissingExtraError, UnknownNameError
from evalkit.metrics import definitions
from evalkit.metrics.metric import Metric, MetricDefinition
from evalkit.metrics.provided import PROVIDED, UNAVAILABLE, ProvidedMetric, find_provided

_MODULES = {"cwl-eval": ("cwl", "cwl.cwl_eval"), "pyndeval": ("pyndeval",)}
"""Package of an extra -> the modules without which it is not installed; another package has the name cwl, too."""
_KINDS = {int: "a whole number", float: "a number", bool: "True or False", str: "text", dict: "a mapping"}
_SHOWN_LEVEL = 0.01
"""trec_eval takes levels of recall with two decimals."""


def check(metric: Metric) -> None:
    """Check that another package can compute a metric.

    Raises
    ------
    UnknownNameError
        If no package knows the name.
    MissingExtraError
        If the package that computes it is not installed.
    InputError
        If parameters or the cutoff are impossible.
    """
    record = check_notation(metric)
    if record.extra and not installed(record):
        raise MissingExtraError(
            f"the metric {metric.label!r}, which {record.package} computes,", record.extra
        )


def check_notation(metric: Metric) -> ProvidedMetric:
    """Return the record of a metric whose name, parameters and cutoff are possible, installed or not.

    Raises
    ------
    InputError
        If one of them is not.
    """
    record = find_provided(metric.name)
    if record is None:
        raise _unknown_name(metric.name)
    given = dict(metric.params)
    _check_parameters(metric, record)
    _check_cutoff(metric, record)
    for name in record.needs:
        if name not in given:
            what = "a level of recall" if record.level else name
            meaning = ", where 3 is the highest grade" if name == "max_rel" else ", for instance"
            raise InputError(f"{metric.label!r} needs {what}", f"write {record.example}{meaning}")
    _check_bounds(metric, record, given)
    return record


def parameters(record: ProvidedMetric) -> dict[str, Any]:
    """Return the parameters of a metric but for the cutoff: name -> ir_measures' description."""
    import ir_measures

    supported = ir_measures.measures.registry[record.name].SUPPORTED_PARAMS
    return {name: info for name, info in supported.items() if name != "cutoff"}


def installed(record: ProvidedMetric) -> bool:
    """Return whether the package that computes a metric is installed."""
    try:
        return all(find_spec(module) is not None for module in _MODULES.get(record.package, ()))
    except ModuleNotFoundError:  # the name belongs to a module without the parts of the package
        return False


def _check_parameters(metric: Metric, record: ProvidedMetric) -> None:
    accepted = parameters(record)
    for name, value in metric.params:
        if name not in accepted:
            raise InputError(
                f"{metric.label!r}: {record.name} has no parameter {name!r}",
                f"{record.name} takes {', '.join(accepted)}",
            )
        if not _is_of_kind(value, accepted[name]):
            raise InputError(
                f"{metric.label!r}: {name} must be {_kind(accepted[name])}", f"write {record.example}"
            )


def _is_of_kind(value: object, info: Any) -> bool:
    """Return whether a parameter has the type that ir_measures wants; a whole number may be given for a number."""
    wanted = (int, float) if info.dtype is float else (info.dtype,)
    choices = info.choices if isinstance(info.choices, list | tuple) else [value]
    return type(value) in wanted and value in choices


def _kind(info: Any) -> str:
    if isinstance(info.choices, list | tuple):
        return " or ".join(map(repr, info.choices))
    return _KINDS[info.dtype]


def _unknown_name(name: str) -> InputError:
    """Return the error for a name that no package knows."""
    reason = UNAVAILABLE.get(name.lower().replace("-", "_"))
    if reason is not None:
        return InputError(f"there is no metric {name!r}: {reason[0]}", reason[1])
    records: tuple[MetricDefinition | ProvidedMetric, ...] = (*definitions.DEFINITIONS, *PROVIDED)
    return UnknownNameError("metric", name, {known for one in records for known in (one.name, *one.aliases)})


def _check_cutoff(metric: Metric, record: ProvidedMetric) -> None:
    if metric.budget_tokens is not None:
        raise InputError(
            f"{metric.label!r}: {record.package} computes no metric at a budget of tokens",
            f"use one of evalkit's own metrics, such as nDCG@{metric.budget_tokens}t",
        )
    if metric.cutoff is None:
        if record.needs_cutoff:
            raise InputError(f"{metric.label!r} needs a cutoff", f"write {record.example}, for instance")
        return
    if not record.takes_cutoff:
        what = "a level of recall from 0 to 1, and no" if record.level else "no"
        raise InputError(f"{metric.label!r}: {record.name} takes {what} cutoff", f"write {record.example}")
    if record.highest_cutoff is not None and metric.cutoff > record.highest_cutoff:
        raise InputError(
            f"{metric.label!r} has the cutoff {metric.cutoff}; {record.package} computes cutoffs up to"
            f" {record.highest_cutoff}",
            f"use a cutoff of at most {record.highest_cutoff}",
        )


def _check_bounds(metric: Metric, record: ProvidedMetric, given: dict[str, Any]) -> None:
    for bound in record.bounds:
        value = given.get(bound.parameter)
        if value is not None and not bound.allows(value):
            raise InputError(
                f"{metric.label!r}: {bound.parameter} must be a number {bound.text}",
                f"write {record.example}, for instance",
            )
    level = given.get("recall", 0.0)
    if abs(level / _SHOWN_LEVEL - round(level / _SHOWN_LEVEL)) > 1e-6:
        raise InputError(
            f"{metric.label!r}: trec_eval takes levels of recall with two decimals", f"write {record.example}"
        )
    if given.get("max_rel") is not None and given["max_rel"] <= given.get("min_rel", 0):
        raise InputError(
            f"{metric.label!r}: max_rel must be above min_rel, which is {given.get('min_rel', 0)}",
            f"write {record.example}, where 3 is the highest grade",
        )
