"""The cost of the calls of each query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.results.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd


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
    manifest: Manifest, calls: pd.DataFrame, *, several_depths: bool
) -> dict[tuple[str, str], QueryCosts]:
    """Return (dataset, tag) -> the cost of each query of the quality pass, without those with an unknown cost.

    Parameters
    ----------
    several_depths
        Whether a reranker that is not pointwise has a pass for each of several depths: the cost of one is unknown.
    """
    found: dict[tuple[str, str], QueryCosts] = {}
    quality = calls[(calls["pass"] == "quality") & (calls["status"] == "ok")]
    reused = {(pairs.dataset, pairs.reranker) for pairs in manifest.pairs if pairs.reused}
    for key, part in quality.groupby(["dataset", "reranker"], sort=False):
        dataset, tag = map(str, key)
        listwise = tag in manifest.rerankers and not manifest.rerankers[tag].pointwise
        if (dataset, tag) in reused or part["cost_usd"].isna().any() or (listwise and several_depths):
            continue
        costs = part.groupby("query_id", sort=False)["cost_usd"].sum()
        found[dataset, tag] = QueryCosts(tuple(map(str, costs.index)), costs.to_numpy(dtype=np.float64))
    return found
