"""Whether metrics can be computed on judgments is asked before anything is spent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from evalkit.errors import InputError
from evalkit.metrics import (
    check_metrics,
    definitions,
    evaluate,
    parse_metrics,
    spelling,
    tie_bounds,
    unjudged_bounds,
)
from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.ranked import RankedGrades
from evalkit.metrics.sweep import sweep_depths
from evalkit.records import Qrels, Run

GRADE_5 = Qrels({"q": {"a": 5}})
RUN = Run.from_rows("r", ["q"], ["a"], [1.0])


def test_the_place_of_the_judgments_is_named() -> None:
    """The message begins with it; metrics that can be computed raise nothing."""
    with pytest.raises(InputError, match=r"^dataset 'mine': 'ERR@10' knows grades up to 4"):
        check_metrics(["nDCG@10", "ERR@10"], GRADE_5, "dataset 'mine'")
    check_metrics(["nDCG@10", "ERR@10", "Rprec"], Qrels({"q": {"a": 4, "b": -1}}), "dataset 'mine'")


@pytest.mark.parametrize(
    "compute",
    [
        lambda metrics: evaluate(RUN, GRADE_5, metrics),
        lambda metrics: tie_bounds(RUN, GRADE_5, metrics),
        lambda metrics: unjudged_bounds(RUN, GRADE_5, metrics),
        lambda metrics: sweep_depths(RUN, RUN, GRADE_5, metrics, 1, "dropped"),
    ],
)
def test_no_function_computes_what_is_refused(compute: Callable[[tuple[Metric, ...]], object]) -> None:
    """Values, bounds and sweeps all check first."""
    with pytest.raises(InputError, match="knows grades up to 4"):
        compute(parse_metrics(["ERR@10"]))


def definition_of(value: float, *, partial: bool) -> MetricDefinition:
    """Return a metric whose value is always the same."""

    def values(ranked: RankedGrades, _: Metric) -> Values:
        return np.full(len(ranked), value)

    return MetricDefinition(
        "Constant",
        value=values,
        expected_value=values,
        value_at_depths=None,
        unjudged=UnjudgedEffect.NOT_APPLICABLE,
        partial=partial,
    )


@pytest.mark.parametrize(
    ("value", "partial", "refused"),
    [
        (np.inf, False, True),
        (np.inf, True, True),
        (np.nan, False, True),
        (np.nan, True, False),
        (1.0, False, False),
    ],
)
def test_only_finite_values_leave(
    monkeypatch: pytest.MonkeyPatch, value: float, partial: bool, refused: bool
) -> None:
    """Infinity never; NaN only as the unknown value of a metric that may lack some."""
    monkeypatch.setattr(definitions, "DEFINITIONS", (definition_of(value, partial=partial),))
    monkeypatch.setattr(spelling, "_meant", dict)  # this list of names must not be kept for other tests
    qrels = Qrels({"q": {"a": 1}})
    if refused:
        with pytest.raises(InputError, match=rf"'Constant' has the value {value} for query 'q'"):
            evaluate(RUN, qrels, ["Constant"])
    else:
        np.testing.assert_array_equal(evaluate(RUN, qrels, ["Constant"]).values, [[value]])
