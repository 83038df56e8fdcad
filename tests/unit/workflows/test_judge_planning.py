"""How many queries people judge: what is measured, and what is assumed."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evalkit.stats import ASSUMED_CORRELATION, CorrectionPlan, correlation_range
from evalkit.workflows import judge_planning
from evalkit.workflows.judge_planning import FEWEST_OF_PILOT, HumanPlanOptions

OPTIONS = HumanPlanOptions()


def test_the_correlation_is_that_of_the_pilot() -> None:
    """Over the queries that both judged, with Fisher's interval; what the user gives comes first."""
    rng = np.random.default_rng(2)
    human = {f"q{number}": float(rng.normal()) for number in range(20)}
    judged = {query: value + float(rng.normal()) for query, value in human.items() if query != "q0"}
    found, pilot = judge_planning._correlation(OPTIONS, human, judged, is_drawn=True)
    wanted = np.corrcoef([[human[query] for query in judged], list(judged.values())])[0, 1]
    assert found.value == pytest.approx(wanted)
    assert pilot == 19
    assert (found.lower, found.upper) == pytest.approx(correlation_range(wanted, 19))
    assert found.source == "a pilot of 19 queries"
    given, _ = judge_planning._correlation(replace(OPTIONS, correlation=0.4), human, judged, is_drawn=True)
    assert (given.value, given.lower) == (0.4, None)
    undrawn, _ = judge_planning._correlation(OPTIONS, human, judged, is_drawn=False)
    assert "not drawn at random" in undrawn.source


def test_a_small_or_constant_pilot_is_replaced_by_an_assumption() -> None:
    """And it is named as one."""
    few = {f"q{number}": float(number) for number in range(FEWEST_OF_PILOT - 1)}
    same = {f"q{number}": 0.0 for number in range(30)}
    for human in (few, same, {}):
        found, pilot = judge_planning._correlation(OPTIONS, human, human, is_drawn=True)
        assert (found.value, pilot) == (ASSUMED_CORRELATION, len(human))
        assert "an assumption" in found.source
    pooled: Any = SimpleNamespace()
    deviation = judge_planning._deviation(pooled, None, "nDCG@10", few)
    assert "an assumption" in deviation.source


def test_the_curve_has_the_number_that_is_needed_and_none_below_the_floor() -> None:
    """Widths fall with the number; the judge never makes one wider; documents and hours are those of the pace."""
    plan = CorrectionPlan(400, 0.2, 0.8)
    curve = judge_planning._curve(plan, 0.05, 62, each=12.5, seconds=36)
    assert [at.human for at in curve] == [30, 40, 50, 62, 75, 100, 150, 200, 300, 400]
    widths = [at.half_width for at in curve]
    assert widths == sorted(widths, reverse=True)
    assert all(at.half_width <= at.alone for at in curve)
    needed = curve[3]
    assert (needed.documents, needed.hours) == (775, 7.75)
    assert needed.power == plan.power(62, 0.05, sides=1)
    assert judge_planning._curve(CorrectionPlan(29, 0.2), 0.05, None, 10, 30) == ()
