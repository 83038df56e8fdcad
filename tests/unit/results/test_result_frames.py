"""The figures of a result as frames: their rows, columns, types and missing values."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest
from support.command import ROOT
from support.documents import comparison, comparisons, quality, summary, timed

from evalkit.results.result_frames import comparison_frame, latency_frame, quality_frame
from evalkit.stats import Interval

NO_FRAMES = {
    "quality": quality_frame(summary()),
    "latency": latency_frame(summary()),
    "comparison": comparison_frame(comparisons()),
}


def test_quality_has_a_row_for_each_mean() -> None:
    """With its interval, and with the difference to the first stage where there is one."""
    later = replace(quality("x", 10, 0.5), difference=Interval(0.1, 0.05, 0.15, 50))
    frame = quality_frame(summary([quality("bm25", 10, 0.4, None), later]))
    assert frame[["system", "depth", "metric", "mean", "queries"]].to_numpy().tolist() == [
        ["bm25", 10, "nDCG@10", 0.4, 50],
        ["x", 10, "nDCG@10", 0.5, 50],
    ]
    assert frame["difference"].isna().tolist() == [True, False]
    assert frame.loc[1, ["difference_lower", "difference_upper"]].tolist() == [0.05, 0.15]
    assert frame["mean_lower"].isna().tolist() == [True, False]


def test_latency_has_a_row_for_each_load_in_seconds() -> None:
    """A percentile without an interval is missing, and so is the number of calls in flight of an open loop."""
    loads = [timed("x", 10, 0.02), replace(timed("x", 50, 0.1, 0.18), concurrency=None)]
    frame = latency_frame(summary(latency=loads))
    assert frame["batch_size"].tolist() == [10, 50]
    assert frame["p50_s"].tolist() == [0.02, 0.1]
    assert frame["p95_s"].isna().tolist() == [True, False]
    assert frame.loc[1, "p95_upper_s"] == pytest.approx(0.216)
    assert frame["concurrency"].isna().tolist() == [False, True]


def test_comparison_has_a_row_for_each_contender() -> None:
    """With the verdict, on the primary metric."""
    frame = comparison_frame(comparisons(comparison("x"), comparison("y", "not told apart", needed=None)))
    assert frame[["baseline", "system", "verdict", "depth"]].to_numpy().tolist() == [
        ["bm25", "x", "better", 50],
        ["bm25", "y", "not told apart", 50],
    ]
    assert frame["queries_needed"].isna().tolist() == [False, True]


@pytest.mark.parametrize("name", NO_FRAMES)
def test_a_frame_without_rows_has_its_columns(name: str) -> None:
    """So that code which selects columns works without a latency pass; their types do not depend on the rows."""
    empty = NO_FRAMES[name]
    full = {
        "quality": quality_frame(summary([quality("x", 10, 0.5)])),
        "latency": latency_frame(summary(latency=[timed("x", 10, 0.02)])),
        "comparison": comparison_frame(comparisons(comparison())),
    }[name]
    assert empty.empty
    pd.testing.assert_series_equal(empty.dtypes, full.dtypes)


@pytest.mark.parametrize("name", NO_FRAMES)
def test_every_column_is_documented(name: str) -> None:
    """The page on Python lists the columns of each frame, and no others."""
    page = (ROOT / "evalkit" / "python.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    assert re.findall(r"`(\w+)`", row) == [name, *NO_FRAMES[name].columns]
