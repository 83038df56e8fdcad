"""What the calls of an experiment came to: attempts, refusals, tokens, cost, the servers' own times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from evalkit.stats import quantile_interval

if TYPE_CHECKING:
    import pandas as pd

AMOUNTS = ("tokens", "units", "billed_bytes", "characters", "cost_usd")
THROTTLED = 429


def count_calls(calls: pd.DataFrame) -> list[dict[str, Any]]:
    """Return attempts, refusals and reported amounts per dataset, reranker and pass.

    An amount is null where no call told it; ``calls_without_<amount>`` says how many good calls did not.
    """
    rows = []
    for (dataset, tag, which), part in calls.groupby(["dataset", "reranker", "pass"], sort=False):
        good = part[part["status"] == "ok"]
        reused = part["conn_reused"].dropna()
        row: dict[str, Any] = {
            "dataset": dataset,
            "reranker": tag,
            "pass": which,
            "calls": len(part),
            "failed": int((part["status"] == "failed").sum()),
            "retried": int((part["status"] == "retried").sum()),
            "throttled": int((part["http_status"] == THROTTLED).sum()),
            "documents": int(good["batch_size"].sum()),
            "unsorted_lists": int((part["list_sorted"] == False).sum()),  # noqa: E712 - a column with nulls
            "truncated_documents": _sum_told(good["truncated_documents"]),
            "connections_reused": float(reused.astype(float).mean()) if len(reused) else None,
        }
        for name in AMOUNTS:
            row[name] = _sum_told(good[name])
            row[f"calls_without_{name}"] = int(good[name].isna().sum())
        rows.append(row)
    return rows


def _sum_told(amounts: pd.Series[Any]) -> int | float | None:
    """Return a sum as JSON writes it, whole where it is whole; None where nobody told an amount."""
    told = amounts.dropna()
    if not len(told):
        return None
    amount = told.sum()
    return int(amount) if float(amount).is_integer() else float(amount)


def cost_rows(manifest: Mapping[str, Any], calls: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what a thousand queries cost in the quality pass, for every reranker that has a price or told one.

    Null where a call did not tell what the price is for: a sum over the others would be too low.
    """
    rows = []
    quality = calls[(calls["pass"] == "quality") & (calls["status"] == "ok")]
    for (dataset, tag), part in quality.groupby(["dataset", "reranker"], sort=False):
        price = manifest["rerankers"][tag]["price"]
        told = part["cost_usd"].dropna()
        if price is None and not len(told):
            continue
        queries = part["query_id"].nunique()
        # Where some scores were known the calls made do not tell what all of them cost.
        reused = any(
            row["reused"]
            for row in manifest.get("pairs", [])
            if (row["dataset"], row["reranker"]) == (dataset, tag)
        )
        whole = len(told) == len(part) and not reused
        rows.append(
            {
                "dataset": dataset,
                "reranker": tag,
                "price": price,
                "queries": queries,
                "documents": int(part["batch_size"].sum()),
                "cost_usd": float(told.sum()) if whole else None,
                "usd_per_thousand_queries": float(told.sum()) / queries * 1000 if whole else None,
                "calls_without_cost": len(part) - len(told),
            }
        )
    return rows


def server_times(calls: pd.DataFrame, confidence: float) -> list[dict[str, Any]]:
    """Return the median of every time that a server told of its own work, with what it is a time of.

    Timed calls count where there are any, else those of the quality pass.
    """
    rows = []
    good = calls[(calls["status"] == "ok") & calls["server_times"].notna()]
    for (dataset, tag), part in good.groupby(["dataset", "reranker"], sort=False):
        timed = part[part["pass"] == "latency"]
        which = timed if len(timed) else part[part["pass"] == "quality"]
        told: dict[tuple[str, str], list[float]] = {}
        for text in which["server_times"]:
            for name, entry in orjson.loads(text).items():
                told.setdefault((name, entry["of"]), []).append(entry["seconds"])
        for (name, of), seconds in told.items():
            median = quantile_interval(np.array(seconds), 0.5, confidence)
            rows.append(
                {
                    "dataset": dataset,
                    "reranker": tag,
                    "name": name,
                    "of": of,
                    "pass": str(which["pass"].iloc[0]),
                    "calls": len(seconds),
                    "median_s": median.estimate,
                    "lower_s": median.lower,
                    "upper_s": median.upper,
                }
            )
    return rows
