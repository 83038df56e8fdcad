"""Totals of an experiment's calls: attempts, throttling, tokens, cost, times that servers report."""

from __future__ import annotations

from collections import Counter

import numpy as np
import orjson
from numpy.typing import NDArray

from evalkit.results.billing_rows import CostRow
from evalkit.results.call_totals_row import CallTotals
from evalkit.results.manifest import Manifest
from evalkit.results.rows import Rows
from evalkit.results.summary_document import ServerTimeRow
from evalkit.stats import quantile_interval

THROTTLED = 429


def count_calls(calls: Rows) -> tuple[CallTotals, ...]:
    """Return attempts, throttled attempts and reported amounts per dataset, reranker and pass.

    An amount is None where no call reports it; ``calls_without_<amount>`` counts the successful calls without it.
    """
    groups = calls.groups(("dataset", "reranker", "pass"))
    return tuple(_totals(dataset, tag, which, part) for (dataset, tag, which), part in groups)


def _totals(dataset: str, tag: str, which: str, part: Rows) -> CallTotals:
    good = part.where("status", "ok")
    reused = part.values_of("conn_reused")
    return CallTotals(
        dataset=dataset,
        reranker=tag,
        pass_=which,
        calls=len(part),
        failed=len(part.where("status", "failed")),
        retried=len(part.where("status", "retried")),
        throttled=int((part["http_status"] == THROTTLED).sum()),
        documents=int(good["batch_size"].sum()),
        unsorted_lists=int((part.values_of("list_sorted") == 0).sum()),
        truncated_documents=_sum_reported(good, "truncated_documents"),
        connections_reused=float(reused.astype(float).mean()) if len(reused) else None,
        tokens=_sum_reported(good, "tokens"),
        calls_without_tokens=_count_unreported(good, "tokens"),
        units=_sum_reported(good, "units"),
        calls_without_units=_count_unreported(good, "units"),
        billed_bytes=_sum_reported(good, "billed_bytes"),
        calls_without_billed_bytes=_count_unreported(good, "billed_bytes"),
        characters=_sum_reported(good, "characters"),
        calls_without_characters=_count_unreported(good, "characters"),
        cost_usd=_sum_reported(good, "cost_usd"),
        calls_without_cost_usd=_count_unreported(good, "cost_usd"),
        frequent_error=_most_frequent(part.values_of("error")),
    )


def _most_frequent(errors: NDArray[np.object_]) -> str | None:
    """Return the most frequent error, the first of several; None without one."""
    counts = Counter(errors.tolist())
    return max(counts, key=lambda error: counts[error], default=None)


def _sum_reported(calls: Rows, amount: str) -> int | float | None:
    """Return the sum of a column, an int where it is a whole number; None where no call reports the amount."""
    reported = calls.values_of(amount)
    if not len(reported):
        return None
    total = reported.sum()
    return int(total) if float(total).is_integer() else float(total)


def _count_unreported(calls: Rows, amount: str) -> int:
    """Return the number of calls that do not report an amount."""
    return int((~calls.known(amount)).sum())


def cost_rows(manifest: Manifest, calls: Rows) -> tuple[CostRow, ...]:
    """Return the cost of each quality pass, for rerankers with a configured price or a reported cost.

    The cost is None where a call does not report the billed amount: a sum over the others would be too low.
    """
    rows = []
    quality = calls.where("pass", "quality").where("status", "ok")
    # Where some scores came from the store, the calls of this run do not show the cost of all scores.
    reused = {(pairs.dataset, pairs.reranker) for pairs in manifest.pairs if pairs.reused}
    for (dataset, tag), part in quality.groups(("dataset", "reranker")):
        price = manifest.rerankers[tag].price
        reported = part.values_of("cost_usd")
        if price is None and not len(reported):
            continue
        queries = len(set(part["query_id"].tolist()) - {None})
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


def server_times(calls: Rows, confidence: float) -> tuple[ServerTimeRow, ...]:
    """Return the median of every time that a server reports about its own work.

    The median is over timed calls where there are any, else over the calls of the quality pass.
    """
    rows = []
    good = calls.take((calls["status"] == "ok") & calls.known("server_times"))
    for (dataset, tag), part in good.groups(("dataset", "reranker")):
        timed = part.where("pass", "latency")
        chosen = timed if len(timed) else part.where("pass", "quality")
        reported: dict[tuple[str, str], list[float]] = {}
        for text in chosen["server_times"]:
            for name, entry in orjson.loads(text).items():
                reported.setdefault((name, entry["of"]), []).append(entry["seconds"])
        for (name, of), seconds in reported.items():
            median = quantile_interval(np.array(seconds), 0.5, confidence)
            rows.append(ServerTimeRow(dataset, tag, name, of, chosen["pass"][0], median))
    return tuple(rows)
