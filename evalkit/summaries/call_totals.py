"""Totals of an experiment's calls: attempts, throttling, tokens, cost, times that servers report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from evalkit.results.billing_rows import CostRow
from evalkit.results.call_totals_row import CallTotals
from evalkit.results.manifest import Manifest
from evalkit.results.summary_document import ServerTimeRow
from evalkit.stats import quantile_interval

if TYPE_CHECKING:
    import pandas as pd

THROTTLED = 429


def count_calls(calls: pd.DataFrame) -> tuple[CallTotals, ...]:
    """Return attempts, throttled attempts and reported amounts per dataset, reranker and pass.

    An amount is None where no call reports it; ``calls_without_<amount>`` counts the successful calls without it.
    """
    groups = calls.groupby(["dataset", "reranker", "pass"], sort=False)
    return tuple(_totals(str(dataset), str(tag), str(which), part) for (dataset, tag, which), part in groups)


def _totals(dataset: str, tag: str, which: str, part: pd.DataFrame) -> CallTotals:
    good = part[part["status"] == "ok"]
    reused = part["conn_reused"].dropna()
    return CallTotals(
        dataset=dataset,
        reranker=tag,
        pass_=which,
        calls=len(part),
        failed=int((part["status"] == "failed").sum()),
        retried=int((part["status"] == "retried").sum()),
        throttled=int((part["http_status"] == THROTTLED).sum()),
        documents=int(good["batch_size"].sum()),
        unsorted_lists=int((part["list_sorted"] == False).sum()),  # noqa: E712 - a column with nulls
        truncated_documents=_sum_reported(good["truncated_documents"]),
        connections_reused=float(reused.astype(float).mean()) if len(reused) else None,
        tokens=_sum_reported(good["tokens"]),
        calls_without_tokens=_count_unreported(good["tokens"]),
        units=_sum_reported(good["units"]),
        calls_without_units=_count_unreported(good["units"]),
        billed_bytes=_sum_reported(good["billed_bytes"]),
        calls_without_billed_bytes=_count_unreported(good["billed_bytes"]),
        characters=_sum_reported(good["characters"]),
        calls_without_characters=_count_unreported(good["characters"]),
        cost_usd=_sum_reported(good["cost_usd"]),
        calls_without_cost_usd=_count_unreported(good["cost_usd"]),
        frequent_error=_most_frequent(part["error"]),
    )


def _most_frequent(errors: pd.Series[Any]) -> str | None:
    """Return the most frequent error, the first of several; None without one."""
    counts = errors.dropna().value_counts(sort=False)
    return None if counts.empty else str(counts.idxmax())


def _sum_reported(amounts: pd.Series[Any]) -> int | float | None:
    """Return a sum, an int where it is a whole number; None where no call reports the amount."""
    reported = amounts.dropna()
    if not len(reported):
        return None
    amount = reported.sum()
    return int(amount) if float(amount).is_integer() else float(amount)


def _count_unreported(amounts: pd.Series[Any]) -> int:
    """Return the number of calls that do not report an amount."""
    return int(amounts.isna().sum())


def cost_rows(manifest: Manifest, calls: pd.DataFrame) -> tuple[CostRow, ...]:
    """Return the cost of each quality pass, for rerankers with a configured price or a reported cost.

    The cost is None where a call does not report the billed amount: a sum over the others would be too low.
    """
    rows = []
    quality = calls[(calls["pass"] == "quality") & (calls["status"] == "ok")]
    # Where some scores came from the store, the calls of this run do not show the cost of all scores.
    reused = {(pairs.dataset, pairs.reranker) for pairs in manifest.pairs if pairs.reused}
    for dataset, tag, part in _by_reranker(quality):
        price = manifest.rerankers[tag].price
        reported = part["cost_usd"].dropna()
        if price is None and not len(reported):
            continue
        queries = part["query_id"].nunique()
        complete = len(reported) == len(part) and (dataset, tag) not in reused
        rows.append(
            CostRow(
                dataset=dataset,
                reranker=tag,
                price=price,
                queries=queries,
                documents=int(part["batch_size"].sum()),
                cost_usd=float(reported.sum()) if complete else None,
                usd_per_thousand_queries=float(reported.sum()) / queries * 1000 if complete else None,
                calls_without_cost=len(part) - len(reported),
            )
        )
    return tuple(rows)


def server_times(calls: pd.DataFrame, confidence: float) -> tuple[ServerTimeRow, ...]:
    """Return the median of every time that a server reports about its own work.

    The median is over timed calls where there are any, else over the calls of the quality pass.
    """
    rows = []
    good = calls[(calls["status"] == "ok") & calls["server_times"].notna()]
    for dataset, tag, part in _by_reranker(good):
        timed = part[part["pass"] == "latency"]
        chosen = timed if len(timed) else part[part["pass"] == "quality"]
        reported: dict[tuple[str, str], list[float]] = {}
        for text in chosen["server_times"]:
            for name, entry in orjson.loads(text).items():
                reported.setdefault((name, entry["of"]), []).append(entry["seconds"])
        for (name, of), seconds in reported.items():
            median = quantile_interval(np.array(seconds), 0.5, confidence)
            rows.append(ServerTimeRow(dataset, tag, name, of, str(chosen["pass"].iloc[0]), median))
    return tuple(rows)


def _by_reranker(calls: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    for (dataset, tag), part in calls.groupby(["dataset", "reranker"], sort=False):
        yield str(dataset), str(tag), part
