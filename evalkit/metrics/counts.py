"""What metrics that count have in common: no cutoff, a sum over queries, and no bounds."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import Metric, MetricDefinition, Parameter, UnjudgedEffect, Values
from evalkit.metrics.ranked import RankedGrades


def count_metric(
    name: str,
    value: Callable[[RankedGrades, Metric], Values],
    value_at_depths: Callable[[JudgedPlaces, Metric], Values] | None,
    parameters: tuple[Parameter, ...] = (),
) -> MetricDefinition:
    """Return the definition of a count of a query, which no order of tied documents changes.

    Parameters
    ----------
    name, value, value_at_depths, parameters
        See `MetricDefinition`.
    """
    return MetricDefinition(
        name,
        value=value,
        expected_value=value,
        value_at_depths=value_at_depths,
        unjudged=UnjudgedEffect.NOT_APPLICABLE,
        parameters=parameters,
        takes_cutoff=False,
        summed=True,
    )
