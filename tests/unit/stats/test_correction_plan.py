"""How many queries people have to judge where a model judges all of them."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from evalkit.stats import (
    MIN_QUERIES,
    CorrectionPlan,
    chance_of_detecting,
    correlation_range,
    mean_interval,
    queries_needed,
)
from evalkit.stats.unseen_errors import LEAST_VARIANCE, UNSEEN_BY_GATES

PLAN = CorrectionPlan(1050, 0.2, 0.8)


def test_the_width_is_that_of_the_best_weight() -> None:
    """50 of 1,050 queries, a correlation of .8: a bit more than sqrt(1 - .64 * 1000 / 1050); never below the least."""
    ratio = PLAN.width_ratio(50)
    variance = (1 - 0.64 * 1000 / 1050) * 1.04 + (0.8 * 1000 / 1050) ** 2 / (2 * math.sqrt(50))
    of_draws = stats.norm(variance, variance * math.sqrt(2 / 50))
    mean = of_draws.expect(lambda found: max(found, LEAST_VARIANCE), epsabs=1e-10)
    assert ratio == pytest.approx(math.sqrt(mean), rel=1e-5)
    assert CorrectionPlan(1050, 0.2, 0.99).width_ratio(50) == pytest.approx(math.sqrt(LEAST_VARIANCE))
    assert PLAN.half_width(50) == pytest.approx(stats.t.ppf(0.975, 49) * 0.2 / math.sqrt(50) * ratio)
    assert PLAN.worth(50) == pytest.approx(50 / ratio**2)


@pytest.mark.parametrize(("deviation", "little"), [(0.3, False), (0.15, False), (0.05, True), (1e-200, True)])
def test_a_judge_is_worth_nothing_where_systems_differ_little(deviation: float, little: bool) -> None:
    """Losses of the whole range of which a draw has none count for more; a judge that says nothing is another case."""
    plan = CorrectionPlan(1050, deviation, 0.8)
    assert plan.differs_little(50) == little
    assert (plan.width_ratio(50) == 1) == little
    assert plan.width_ratio(50, UNSEEN_BY_GATES) >= plan.width_ratio(50) >= plan.width_ratio(50, 0.0)
    assert not CorrectionPlan(1050, deviation, 0.0).differs_little(50)


@pytest.mark.parametrize("correlation", [0.0, -0.5])
def test_a_worthless_judge_needs_as_many_queries_as_none(correlation: float) -> None:
    """Its width is that of humans alone, and so are the numbers of queries."""
    plan = CorrectionPlan(1000, 0.2, correlation)
    assert plan.width_ratio(50) == 1
    assert plan.human_for_power(0.05) == queries_needed(0.2, 0.05)
    assert plan.power(60, 0.05) == chance_of_detecting(0.05, 0.2, 60)


def test_numbers_of_queries_are_the_smallest_that_suffice() -> None:
    """One query fewer gives a wider interval, or less power."""
    human = PLAN.human_for_width(0.03)
    assert human is not None
    assert PLAN.half_width(human) <= 0.03 < PLAN.half_width(human - 1)
    needed = PLAN.human_for_power(0.04, sides=1)
    assert needed is not None
    assert PLAN.power(needed, 0.04, sides=1) >= 0.8 > PLAN.power(needed - 1, 0.04, sides=1)
    alone = queries_needed(0.2, 0.04, sides=1)
    assert alone is not None
    assert needed < 0.5 * alone


def test_there_is_no_number_where_all_queries_do_not_suffice() -> None:
    """Nor where there are too few for a verdict; never fewer than those."""
    assert CorrectionPlan(100, 0.2).human_for_width(0.001) is None
    assert CorrectionPlan(29, 0.2).human_for_width(1.0) is None
    assert PLAN.human_for_width(1.0) == MIN_QUERIES


def test_all_queries_by_people_is_the_plain_interval() -> None:
    """A judge adds nothing where people judge every query."""
    plan = CorrectionPlan(100, 1.0, 0.9)
    assert plan.width_ratio(100) == 1
    values = stats.norm.ppf((stats.rankdata(range(100)) - 0.5) / 100)
    usual = mean_interval(values / values.std(ddof=1))
    assert usual.upper is not None
    assert plan.half_width(100) == pytest.approx(usual.upper - (usual.estimate or 0.0))


def test_the_range_of_a_correlation_is_fishers() -> None:
    """It is the one of `scipy.stats.pearsonr`; a correlation of 1 has one, too."""
    x = [float(number) for number in range(30)]
    y = [number + 9 * ((7 * place) % 5 - 2) for place, number in enumerate(x)]
    found = stats.pearsonr(x, y)
    assert correlation_range(found.statistic, 30) == pytest.approx(tuple(found.confidence_interval(0.95)))
    assert correlation_range(1.0, 30)[1] <= 1
