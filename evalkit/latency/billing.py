"""What a call costs by its number of documents, as far as recorded calls show it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT = 1e-9
"""Relative difference up to which two prices of a call are equal: rounding of float64."""
ROUNDED = 0.01
"""Relative difference up to which costs follow an amount: APIs round the cost that they report."""
VARIES = 0.05
"""Relative difference from which an amount varies enough to show whether the cost follows it."""


@dataclass(frozen=True, slots=True)
class CostStep:
    """Numbers of documents for which a call costs the same.

    Attributes
    ----------
    first, last
        Fewest and most documents; `last` is None without an upper limit.
    usd
        Cost of a call in US dollars.
    """

    first: int
    last: int | None
    usd: float


@dataclass(frozen=True, slots=True)
class Billing:
    """How the cost of a call depends on its number of documents.

    Attributes
    ----------
    usd_per_document
        Where the cost is in proportion to the documents or their text; else None.
    steps
        Where it is not: the numbers of documents with a known cost, ascending.
    """

    usd_per_document: float | None
    steps: tuple[CostStep, ...] = ()

    def of_calls(self, most: int) -> NDArray[np.float64]:
        """Return ``(most + 1,)`` costs in US dollars of a call with 0 to `most` documents, NaN where unknown."""
        if self.usd_per_document is not None:
            return self.usd_per_document * np.arange(most + 1, dtype=np.float64)
        costs = np.full(most + 1, np.nan)
        for step in self.steps:
            costs[step.first : None if step.last is None else step.last + 1] = step.usd
        costs[0] = 0.0
        return costs


@dataclass(frozen=True, slots=True, eq=False)
class BilledCalls:
    """Successful calls with a known cost.

    Attributes
    ----------
    documents, usd
        ``(n,)`` number of documents and cost of each call.
    amounts
        Name -> ``(n,)`` what each call reports of its text, such as tokens; NaN where it does not.
    timed
        ``(n,)`` whether the call is one of the latency pass, which repeats some numbers of documents on purpose.
    """

    documents: NDArray[np.int64]
    usd: NDArray[np.float64]
    amounts: Mapping[str, NDArray[np.float64]]
    timed: NDArray[np.bool_]

    def means(self) -> dict[int, float]:
        """Return number of documents -> mean cost of the timed calls, ascending."""
        sizes = np.unique(self.documents[self.timed])
        return {int(n): float(self.usd[self.timed & (self.documents == n)].mean()) for n in sizes}


def fixed_per_call(usd: float) -> Billing:
    """Return the billing of an API with a price per request."""
    return Billing(None, (CostStep(1, None, usd),))


def infer_billing(calls: BilledCalls, *, by_text: bool) -> Billing:
    """Return what the calls show: a price per document or its text, per call, or per block of documents.

    Calls that all have the same number of documents fit a price per call and a price per document, so they say nothing
    on other numbers, unless the text is billed.

    Parameters
    ----------
    calls
        At least one call.
    by_text
        Whether the configured price is one of the text: of tokens or bytes.
    """
    several = not _same(calls.documents)
    per_call, per_document = several and _same(calls.usd), several and _same(calls.usd / calls.documents)
    if not per_call and (per_document or by_text or _follows_text(calls)):
        return Billing(float(calls.usd.sum() / calls.documents.sum()))
    return Billing(None, _blocks(calls) or _sizes(calls.means()))


def _same(values: NDArray[Any], tolerance: float = EXACT) -> bool:
    return bool(np.ptp(values) <= tolerance * np.abs(values).max())


def _follows_text(calls: BilledCalls) -> bool:
    """Return whether the cost is in proportion to an amount that clearly varies between the calls."""
    return any(
        bool((amount > 0).all())  # False where a call does not report it
        and not _same(amount, VARIES)
        and _same(calls.usd / amount, ROUNDED)
        for amount in calls.amounts.values()
    )


def _blocks(calls: BilledCalls) -> tuple[CostStep, ...]:
    """Return the steps on which all sizes of a block agree that explain every call; none if no size does.

    A call pays the same for each started block of documents; a block that holds every call is a price per call.
    """
    sizes, first = np.unique(calls.documents, return_index=True)
    usd = calls.usd[first]
    if not np.allclose(calls.usd, usd[np.searchsorted(sizes, calls.documents)], rtol=EXACT, atol=0):
        return ()  # other texts cost more
    documents = np.arange(1, sizes[-1] + 1)
    agreed: NDArray[np.float64] | None = None
    for block in documents:
        prices = usd / -(-sizes // block)
        if _same(prices):
            costs = prices[0] * -(-documents // block)
            agreed = costs if agreed is None else np.where(_equal(agreed, costs), agreed, np.nan)
    return () if agreed is None else _runs(agreed)


def _equal(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.abs(one - other) <= EXACT * np.abs(other)


def _runs(costs: NDArray[np.float64]) -> tuple[CostStep, ...]:
    """Return ``(d,)`` costs of calls with 1 to d documents as steps; NaN is left out."""
    steps: list[CostStep] = []
    for documents, usd in enumerate(costs.tolist(), start=1):
        if np.isnan(usd):
            continue
        last = steps[-1] if steps else None
        if last is not None and last.last == documents - 1 and math.isclose(last.usd, usd, rel_tol=EXACT):
            steps[-1] = replace(last, last=documents)
        else:
            steps.append(CostStep(documents, documents, usd))
    return tuple(steps)


def _sizes(means: Mapping[int, float]) -> tuple[CostStep, ...]:
    """Return the mean cost at each timed number of documents, and between neighbours with the same mean."""
    steps: list[CostStep] = []
    for documents, usd in means.items():
        if steps and math.isclose(steps[-1].usd, usd, rel_tol=EXACT):
            steps[-1] = replace(steps[-1], last=documents)
        else:
            steps.append(CostStep(documents, documents, usd))
    return tuple(steps)
