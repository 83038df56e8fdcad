"""The rule on the cost of a thousand queries."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.comparison.budget_rule import judge_cost
from evalkit.stats import allow_for_skewness, one_sided_bounds

USD = np.random.default_rng(1).gamma(4, 0.0003, 150)


@pytest.mark.parametrize(("most", "status"), [(2.0, "PASS"), (1.2, "CANNOT TELL"), (0.8, "FAIL")])
def test_the_cost_of_other_queries_is_judged_by_its_bound(most: float, status: str) -> None:
    """Student's bound of the mean over queries, in dollars per thousand, allowing for skewness."""
    found = judge_cost(USD, most, 0.05)
    bounds = allow_for_skewness(one_sided_bounds(1000 * USD, 0.0, 0.05), 1000 * USD, 0.05)
    assert (found.status, found.estimate, found.upper) == (status, bounds.mean, bounds.upper)
    assert found.estimate == pytest.approx(1000 * USD.mean())


@pytest.mark.parametrize(("most", "status"), [(1.0, "PASS"), (0.999, "FAIL")])
def test_a_fixed_price_is_known(most: float, status: str) -> None:
    """Without a spread nothing is estimated: a cost of exactly the limit keeps it."""
    assert judge_cost(np.full(64, 0.001), most, 0.05).status == status


def test_few_queries_have_no_verdict() -> None:
    """And one query or none has no mean."""
    assert judge_cost(USD[:20], 100.0, 0.05).status == "CANNOT TELL"
    assert judge_cost(USD[:1], 100.0, 0.05).status == "INVALID"
