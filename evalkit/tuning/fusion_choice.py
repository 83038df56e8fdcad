"""A reranker against its best fusion with the first stage: chosen on some queries, tested on the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import (
    RESAMPLES,
    Clusters,
    Interval,
    bounded_interval,
    clusters_at,
    mean_or_none,
    paired_interval,
    sign_flip,
)
from evalkit.tuning.query_split import Split

FusionVerdict = Literal["beats", "is beaten by", "no significant difference", "no verdict"]


@dataclass(frozen=True, slots=True)
class AgainstFusion:
    """The reranker alone against the fusion with the highest mean on the tuning queries, both at the full depth.

    Attributes
    ----------
    fusion
        Name of that fusion.
    tuned
        Its mean on the tuning queries, which is optimistic.
    held_out, alone
        Means of the fusion and of the reranker alone on the held-out queries.
    difference
        Mean paired difference on the held-out queries: the reranker alone minus the fusion.
    p
        P-value of the sign-flip test of the difference; None without held-out queries.
    verdict
        ``beats`` or ``is beaten by`` (of the reranker alone) only if the interval does not contain 0 and the test
        rejects at the same level; ``no verdict`` where models judged.
    """

    fusion: str
    tuned: float | None
    held_out: Interval
    alone: Interval
    difference: Interval
    p: float | None
    verdict: FusionVerdict


def against_fusion(
    alone: NDArray[np.float64],
    fusions: Mapping[str, NDArray[np.float64]],
    split: Split,
    clusters: Clusters | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> AgainstFusion:
    """Return the comparison with the best fusion.

    The held-out queries have no part in the choice of the fusion, so that a single test on them keeps its level,
    however many fusions were tried.

    Parameters
    ----------
    alone
        ``(n,)`` value of the reranker alone for each query.
    fusions
        Name -> ``(n,)`` values of a fusion; at least one.
    split
        The tuning and the held-out queries.
    clusters
        ``(n,)`` cluster of each query; None if all are independent.
    confidence
        Level of the intervals; the test is at 1 minus this.
    resamples, seed
        Of the sign-flip test; see `sign_flip`.
    """
    best = max(fusions, key=lambda name: _mean(fusions[name][split.tuning]))
    groups = clusters_at(clusters, split.held_out)
    own, fused = alone[split.held_out], fusions[best][split.held_out]
    difference = paired_interval(fused, own, confidence, groups)
    p = float(sign_flip((own - fused)[:, None], resamples, seed, clusters=groups).p[0]) if len(own) else None
    return AgainstFusion(
        fusion=best,
        tuned=mean_or_none(fusions[best][split.tuning]),
        held_out=bounded_interval(fused, confidence, groups),
        alone=bounded_interval(own, confidence, groups),
        difference=difference,
        p=p,
        verdict=_verdict(difference, p, 1 - confidence),
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _verdict(difference: Interval, p: float | None, alpha: float) -> FusionVerdict:
    if difference.lower is None or difference.upper is None or p is None or p > alpha:
        return "no significant difference"
    if difference.lower > 0:
        return "beats"
    return "is beaten by" if difference.upper < 0 else "no significant difference"
