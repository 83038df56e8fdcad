"""The parameters that metrics share, each with its default and its check."""

from __future__ import annotations

from evalkit.errors import InputError
from evalkit.metrics.metric import Metric, MetricDefinition, Parameter


def _check_rel(metric: Metric) -> None:
    rel = dict(metric.params).get("rel", 1)
    if type(rel) is not int or rel < 1:
        raise InputError(f"{metric.label!r}: rel must be a whole number of 1 or more")


def _check_dcg(metric: Metric) -> None:
    dcg = dict(metric.params).get("dcg", "log2")
    if dcg not in {"log2", "exp-log2"}:
        raise InputError(f"{metric.label!r}: unknown dcg {dcg!r}", "use 'log2' or 'exp-log2'")


def _check_gains(metric: Metric) -> None:
    if not isinstance(dict(metric.params).get("gains", ()), tuple):
        raise InputError(f"{metric.label!r}: gains must be a mapping", "write gains={1:1,2:3}")
    if metric.exponential and metric.gains:
        raise InputError(
            f"{metric.label!r} sets the gains twice",
            "keep either gains or dcg='exp-log2', which means gains={1:1,2:3,3:7,...}",
        )


def _check_judged_only(metric: Metric) -> None:
    if not isinstance(dict(metric.params).get("judged_only", False), bool):
        raise InputError(f"{metric.label!r}: judged_only must be True or False")


REL = Parameter("rel", 1, _check_rel)
"""The lowest grade that counts as relevant."""
REL_OR_ALL = Parameter("rel", None, _check_rel)
"""The same; without it all documents count, judged or not."""
DCG = Parameter("dcg", "log2", _check_dcg)
"""How grades become gains: themselves (``log2``) or ``2**grade - 1`` (``exp-log2``)."""
GAINS = Parameter("gains", None, _check_gains)
"""Grade -> gain."""
JUDGED_ONLY = Parameter("judged_only", False, _check_judged_only)
"""Whether unjudged documents are removed from the lists first."""

SHARED = (REL, DCG, JUDGED_ONLY)
"""Parameters whose defaults may be given to any metric of evalkit's own: ``nDCG(rel=1)`` is nDCG."""


def refuse_unknown_parameters(metric: Metric, definition: MetricDefinition) -> None:
    """Raise `InputError` if a metric has a parameter that its definition lacks."""
    names = [one.name for one in definition.parameters]
    for name, _ in metric.params:
        if name in names:
            continue
        if name == REL.name and GAINS in definition.parameters:
            hint = f"write {definition.name}(gains={{1:0}}) so that grade 1 has no gain"
        elif names:
            hint = f"{definition.name} takes {', '.join(names)}"
        else:
            hint = f"write {definition.name} without parameters"
        raise InputError(f"{metric.label!r}: {definition.name} has no parameter {name!r}", hint)
