"""How calls are billed, and what a depth costs by that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.latency.billing import BilledCalls, Billing, fixed_per_call, infer_billing
from evalkit.results.billing_rows import BillingRow, CallCost
from evalkit.results.manifest import Manifest
from evalkit.results.rows import Rows

TEXT_PRICES = ("usd_per_million_tokens", "usd_per_million_bytes")
"""Prices in proportion to the text of a call."""
TEXT_AMOUNTS = ("tokens", "billed_bytes", "characters")
"""Columns of ``calls.parquet`` with the amount of text that the API counts."""


def billing_rows(manifest: Manifest, calls: Rows) -> tuple[BillingRow, ...]:
    """Return how each reranker's calls are billed, where a successful call has a known cost."""
    known = calls.take((calls["status"] == "ok") & calls.known("cost_usd"))
    groups = known.groups(("dataset", "reranker"))
    return tuple(_row(manifest, dataset, tag, part) for (dataset, tag), part in groups)


def _row(manifest: Manifest, dataset: str, tag: str, part: Rows) -> BillingRow:
    calls = BilledCalls(
        documents=part["batch_size"].astype(np.int64),
        usd=part.numbers("cost_usd"),
        amounts={name: part.numbers(name) for name in TEXT_AMOUNTS},
        timed=(part["pass"] == "latency") & ~part.known("length_bucket"),
    )
    # A call for the scores that the store lacked says nothing on how a list is split.
    reused = any((one.dataset, one.reranker) == (dataset, tag) and one.reused for one in manifest.pairs)
    quality = part.where("pass", "quality")["batch_size"]
    return BillingRow(
        dataset=dataset,
        reranker=tag,
        billing=_billing(manifest.rerankers[tag].price or {}, calls),
        most_documents=int(quality.max()) if len(quality) and not reused else None,
        timed=tuple(CallCost(documents, usd) for documents, usd in calls.means().items()),
    )


def _billing(price: Mapping[str, Any], calls: BilledCalls) -> Billing:
    if price.get("usd_per_thousand_requests") is not None:
        return fixed_per_call(float(calls.usd[0]))
    return infer_billing(calls, by_text=any(price.get(name) is not None for name in TEXT_PRICES))


def depth_costs(
    row: BillingRow | None, usd_per_thousand_queries: float | None, sent: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return ``(d,)`` costs of a thousand queries in US dollars at depths 1 to d, NaN where unknown.

    Parameters
    ----------
    row
        How calls are billed; None where it is not known.
    usd_per_thousand_queries
        Cost of the quality pass, which is that of the deepest depth; None where it is not known.
    sent
        ``(q, d)`` number of documents, or of passages, that are sent for each query at each depth.
    """
    costs = np.full(sent.shape[1], np.nan) if row is None else 1000 * _means(row, sent)
    if usd_per_thousand_queries is None:
        return costs
    if costs[-1] > 0:
        # The bill of the quality pass counts every call, also those that a limit of bytes or tokens split.
        costs = costs * (usd_per_thousand_queries / costs[-1])
    pairs = sent.sum(axis=0)
    return np.where(pairs == pairs[-1], usd_per_thousand_queries, costs)


def _means(row: BillingRow, sent: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``(d,)`` mean costs of a query at each depth: full calls and a last one with the rest."""
    longest = max(sent.shape[1], int(sent.max(initial=0)))
    most = min(row.most_documents or longest, longest)
    usd = row.billing.of_calls(most)
    of_list = np.array([(n // most) * usd[most] + usd[n % most] if n else 0.0 for n in range(longest + 1)])
    return np.asarray(of_list[sent].mean(axis=0))


def why_unknown(row: BillingRow | None, costs: NDArray[np.float64]) -> str | None:
    """Return why the cost is unknown at some depths in a sentence; None if it is known at all of them."""
    unknown = np.flatnonzero(np.isnan(costs)) + 1
    if not len(unknown):
        return None
    if row is None:
        return "The cost is unknown: no call has a recorded cost."
    return (
        f"The cost is unknown at {len(unknown)} of {len(costs)} depths: the recorded calls do not show how the price"
        " depends on the number of documents. Add values to latency.batch_sizes and rerun."
    )
