"""Rows of ``summary.json`` on the cost of a quality pass, and on how calls are billed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.latency.billing import Billing


@dataclass(frozen=True, slots=True)
class CostRow:
    """The cost of one quality pass.

    Attributes
    ----------
    price
        The configured price; None where the API reports the cost.
    cost_usd, usd_per_thousand_queries
        None where a call did not report the amount that is billed.
    """

    dataset: str
    reranker: str
    price: Mapping[str, Any] | None
    queries: int
    documents: int
    cost_usd: float | None
    usd_per_thousand_queries: float | None
    calls_without_cost: int


@dataclass(frozen=True, slots=True)
class CallCost:
    """The mean cost in US dollars of the timed calls with one number of documents."""

    documents: int
    usd: float


@dataclass(frozen=True, slots=True)
class BillingRow:
    """How the calls of one reranker on one dataset are billed, over all passes.

    Attributes
    ----------
    billing
        Cost of a call by its number of documents.
    most_documents
        Most documents of a call of the quality pass, which splits longer lists; None where stored scores hide it.
    timed
        By number of documents, ascending; empty without a latency pass.
    """

    dataset: str
    reranker: str
    billing: Billing
    most_documents: int | None
    timed: tuple[CallCost, ...]
