"""Quality against latency and cost: which points there are, for documents written by hand."""

from __future__ import annotations

import pytest
from support.documents import cost, quality, summary, sweep, timed, tuning

from evalkit.report.tradeoffs import cost_points, latency_points
from evalkit.results.tuning_document import Tuning

ROWS = [quality("bm25", 20, 0.3), quality("x", 10, 0.4), quality("x", 20, 0.5)]
"""Two depths of a reranker; the deeper one was paid for."""
FOUND = summary(ROWS, [timed("x", 20, 0.1)], [cost("x", 50, 1000)])
SWEPT = tuning(sweep("x", [0.002 * depth for depth in range(1, 21)]))


def test_only_depths_that_were_timed_have_a_latency() -> None:
    """A depth without calls of that many documents is no point, and the first stage alone is none."""
    (point,) = latency_points(FOUND, "d")
    assert (point.reranker, point.depth, point.value) == ("x", 20, 0.1)
    assert (point.expense.lower, point.expense.upper) == pytest.approx((0.09, 0.12))


@pytest.mark.parametrize(
    ("tuned", "costs"), [(SWEPT, {10: 0.02, 20: 0.04}), (tuning(), {20: 0.04})], ids=["swept", "billed alone"]
)
def test_a_cost_is_what_was_billed_or_its_share(tuned: Tuning, costs: dict[int, float]) -> None:
    """Every depth has the cost of its sweep; without one, only the depth that was paid for has a cost."""
    points = cost_points(FOUND, tuned, "d")
    assert {point.depth: point.value for point in points} == pytest.approx(costs)


def test_without_a_price_there_is_no_point() -> None:
    """Where nothing is billed, there is no cost to plot quality against."""
    assert cost_points(summary(ROWS, [timed("x", 20, 0.1)]), tuning(), "d") == []
