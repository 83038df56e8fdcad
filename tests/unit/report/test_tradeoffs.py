"""Quality against what it takes: which points there are, beside documents written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.report.tradeoffs import cost_points, latency_points


def summary() -> dict[str, Any]:
    """Return what two depths of a priced reranker came to; the deeper one was paid for."""
    quality = [
        {"dataset": "d", "reranker": tag, "depth": depth, "metric": "nDCG@10", "mean": mean, "lower": mean - 0.1,
         "upper": mean + 0.1, "n": 50}
        for tag, depth, mean in (("bm25", 20, 0.3), ("x", 10, 0.4), ("x", 20, 0.5))
    ]  # fmt: skip
    timed = {
        "dataset": "d", "reranker": "x", "batch_size": 20, "concurrency": 1, "loop": "closed", "length_bucket": None,
        "p50_s": {"estimate": 0.1, "lower": 0.09, "upper": 0.12, "n": 60}, "p95_s": {"estimate": None},
    }  # fmt: skip
    cost = {
        "dataset": "d",
        "reranker": "x",
        "documents": 1000,
        "queries": 50,
        "usd_per_thousand_queries": 0.04,
    }
    return {"primary_metric": "nDCG@10", "quality": quality, "latency": [timed], "costs": [cost]}


SWEPT = {
    "depth": [
        {
            "dataset": "d",
            "reranker": "x",
            "rows": [{"depth": depth, "usd_per_thousand_queries": 0.002 * depth} for depth in range(1, 21)],
        }
    ]
}


def test_only_depths_that_were_timed_have_a_latency() -> None:
    """A depth without calls of that many documents is no point, and the first stage alone is none."""
    (point,) = latency_points(summary(), "d")
    assert (point["reranker"], point["depth"], point["p50_s"]) == ("x", 20, 0.1)
    assert (point["p50_lower_s"], point["p50_upper_s"], point["calls"]) == (0.09, 0.12, 60)


@pytest.mark.parametrize(
    ("tuned", "costs"),
    [(SWEPT, {10: 0.02, 20: 0.04}), ({"depth": []}, {20: 0.04})],
    ids=["swept", "billed alone"],
)
def test_a_cost_is_what_was_billed_or_its_share(tuned: dict[str, Any], costs: dict[int, float]) -> None:
    """Every depth has the cost of its sweep; without one, only the depth that was paid for has a cost."""
    points = cost_points(summary(), tuned, "d")
    assert {point["depth"]: point["usd_per_thousand_queries"] for point in points} == pytest.approx(costs)


def test_what_has_no_price_has_no_point() -> None:
    """Where nothing is billed, there is nothing to set quality against."""
    assert cost_points({**summary(), "costs": []}, {"depth": []}, "d") == []
