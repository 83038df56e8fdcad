"""The figures of a result as pandas frames; every column and its unit is listed in ``evalkit/python.md``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalkit.results.comparison_document import Comparisons
from evalkit.results.latency_quantiles import Quantile
from evalkit.results.summary_document import LatencyRow, Summary
from evalkit.stats import Interval

if TYPE_CHECKING:
    import pandas as pd

_TEXT, _NUMBER, _COUNT = "object", "float64", "Int64"
"""Types of columns; a missing number is NaN, a missing count is NA."""
_QUALITY = {
    "dataset": _TEXT, "system": _TEXT, "depth": _COUNT, "metric": _TEXT,
    "mean": _NUMBER, "mean_lower": _NUMBER, "mean_upper": _NUMBER, "queries": _COUNT, "queries_not_scored": _COUNT,
    "difference": _NUMBER, "difference_lower": _NUMBER, "difference_upper": _NUMBER,
}  # fmt: skip
_QUANTILES = ("p50", "p90", "p95", "p99")
_LATENCY = {
    "dataset": _TEXT, "system": _TEXT, "scenario": _TEXT, "batch_size": _COUNT, "concurrency": _COUNT,
    "arrivals_per_s": _NUMBER, "length_bucket": _COUNT, "calls": _COUNT, "calls_failed": _COUNT,
    **{f"{name}{bound}_s": _NUMBER for name in _QUANTILES for bound in ("", "_lower", "_upper")},
    "max_s": _NUMBER, "calls_per_s": _NUMBER, "documents_per_s": _NUMBER,
}  # fmt: skip
_COMPARISON = {
    "dataset": _TEXT, "depth": _COUNT, "metric": _TEXT, "baseline": _TEXT, "system": _TEXT, "verdict": _TEXT,
    "difference": _NUMBER, "difference_lower": _NUMBER, "difference_upper": _NUMBER,
    "p": _NUMBER, "p_adjusted": _NUMBER, "baseline_mean": _NUMBER, "system_mean": _NUMBER,
    "queries": _COUNT, "queries_left_out": _COUNT, "wins": _COUNT, "ties": _COUNT, "losses": _COUNT,
    "detectable_difference": _NUMBER, "queries_needed": _NUMBER,
}  # fmt: skip


def quality_frame(summary: Summary) -> pd.DataFrame:
    """Return one row for each dataset, system, depth and metric; the differences are to the first stage."""
    rows = [
        (row.dataset, row.reranker, row.depth, row.metric, *_bounded(row.mean), row.mean.n, row.not_scored,
         *_bounded(row.difference))
        for row in summary.quality
    ]  # fmt: skip
    return _frame(rows, _QUALITY)


def latency_frame(summary: Summary) -> pd.DataFrame:
    """Return one row for each dataset, system and load; no row without a latency pass."""
    return _frame([_latency_cells(row) for row in summary.latency], _LATENCY)


def comparison_frame(compared: Comparisons) -> pd.DataFrame:
    """Return one row for each dataset and system but the baseline, on the primary metric; a run has no depth."""
    rows = [
        (entry.dataset, entry.depth_of(one.contender), one.metric, one.baseline, one.contender, one.verdict,
         one.difference, one.lower, one.upper, one.p, one.p_adjusted, one.baseline_mean, one.contender_mean, one.n,
         one.left_out, one.wins, one.ties, one.losses, one.detectable, one.needed)
        for entry in compared.datasets
        for one in entry.comparisons
    ]  # fmt: skip
    return _frame(rows, _COMPARISON)


def _latency_cells(row: LatencyRow) -> tuple[Any, ...]:
    quantiles: list[Quantile] = list(row.quantiles.values())
    return (
        row.dataset, row.reranker, row.scenario, row.batch_size, row.concurrency, row.rate_per_s, row.length_bucket,
        row.calls, row.failed, *(cell for one in quantiles for cell in _bounded(one.interval)),
        row.max_s, row.calls_per_s.estimate, row.documents_per_s.estimate,
    )  # fmt: skip


def _bounded(interval: Interval | None) -> tuple[float | None, float | None, float | None]:
    """Return estimate, lower and upper bound."""
    if interval is None:
        return None, None, None
    return interval.estimate, interval.lower, interval.upper


def _frame(rows: Sequence[tuple[Any, ...]], columns: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=[*columns]).astype(dict(columns))
