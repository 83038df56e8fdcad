"""The cost of the calls of each query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.results.manifest import Manifest
from evalkit.results.rows import Rows


@dataclass(frozen=True, slots=True, eq=False)
class QueryCosts:
    """The cost of the calls of each query.

    Attributes
    ----------
    query_ids
        ``(n,)`` query ids.
    usd
        ``(n,)`` costs in US dollars.
    """

    query_ids: tuple[str, ...]
    usd: NDArray[np.float64]


def query_costs(
    manifest: Manifest, calls: Rows, *, several_depths: bool
) -> dict[tuple[str, str], QueryCosts]:
    """Return (dataset, tag) -> the cost of each query of the quality pass, without those with an unknown cost.

    Parameters
    ----------
    several_depths
        Whether a reranker that is not pointwise has a pass for each of several depths: the cost of one is unknown.
    """
    found: dict[tuple[str, str], QueryCosts] = {}
    quality = calls.where("pass", "quality").where("status", "ok")
    reused = {(pairs.dataset, pairs.reranker) for pairs in manifest.pairs if pairs.reused}
    for (dataset, tag), part in quality.groups(("dataset", "reranker")):
        listwise = tag in manifest.rerankers and not manifest.rerankers[tag].pointwise
        if (dataset, tag) in reused or not part.known("cost_usd").all() or (listwise and several_depths):
            continue
        usd: dict[str, list[float]] = {}
        for query_id, cost in zip(part["query_id"].tolist(), part["cost_usd"].tolist(), strict=True):
            usd.setdefault(query_id, []).append(cost)
        found[dataset, tag] = QueryCosts(tuple(usd), np.array([_sum(costs) for costs in usd.values()]))
    return found


def _sum(costs: Sequence[float]) -> float:
    """Return the compensated sum (Kahan, 1965): the same costs have the same sum in every version of evalkit."""
    total = lost = 0.0
    for cost in costs:
        part = cost - lost
        larger = total + part
        lost = larger - total - part
        total = larger
    return total
