"""The table to decide by, beside documents written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.report.decision import decision_tables


def documents(checked: dict[str, str] | None) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return comparisons, summary and tuning of one reranker on one dataset."""
    one = {"contender": "x", "verdict": "better", "difference": 0.1, "lower": 0.05, "upper": 0.15}
    compared = {
        "plan": {"baseline": "bm25", "primary": "nDCG@10", "confidence": 0.95},
        "datasets": [{"dataset": "d", "depth": 50, "comparisons": [one], "tied_with": {"x": ["y"]}}],
    }
    quality = [
        {"dataset": "d", "reranker": tag, "depth": 50, "metric": "nDCG@10", "mean": mean, "lower": None}
        for tag, mean in (("bm25", 0.4), ("x", 0.5))
    ]
    timed = {
        "dataset": "d", "reranker": "x", "batch_size": 50, "concurrency": 1,
        "p50_s": {"estimate": 0.1}, "p95_s": {"estimate": 0.182},
    }  # fmt: skip
    cost = {
        "dataset": "d",
        "reranker": "x",
        "documents": 5000,
        "queries": 100,
        "usd_per_thousand_queries": 0.04,
    }
    summary = {"quality": quality, "latency": [timed], "costs": [cost]}
    tuned = {"depth": [{"dataset": "d", "reranker": "x", "choice": {"recommended": 20, "checked": checked}}]}
    return compared, summary, tuned


@pytest.mark.parametrize(
    ("checked", "enough"),
    [(None, "20"), ({"status": "PASS"}, "20"), ({"status": "CANNOT TELL"}, "-"), ({"status": "FAIL"}, "-")],
)
def test_the_best_stands_first_with_what_it_takes(checked: dict[str, str] | None, enough: str) -> None:
    """Unknown is a dash; a depth is called enough only where it is the best one, or other queries confirm it."""
    (table,) = decision_tables(*documents(checked))
    rows = (
        ("x", "better", "y", "0.5000", "+0.1000 [+0.0500, +0.1500]", "100", "182", "$0.0400", enough),
        ("bm25", "baseline", "-", "0.4000", "-", "-", "-", "-", "-"),
    )
    # A column in which nothing is known is left out.
    assert table.rows == (rows if enough != "-" else tuple(row[:-1] for row in rows))
    assert ("enough" in table.columns) == (enough != "-")
