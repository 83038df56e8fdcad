"""Several rankings of the same queries made into one by their ranks alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evalkit.records import Run

RRF_CONSTANT = 60.0
"""As in Cormack, Clarke, Buettcher, "Reciprocal rank fusion outperforms Condorcet", SIGIR 2009."""


def fuse_ranks(
    tag: str, runs: Sequence[Run], weights: Sequence[float] | None = None, constant: float = RRF_CONSTANT
) -> Run:
    """Return the sum of ``weight / (constant + rank)`` over the runs that hold a document.

    Sums are exact before they are rounded: documents with the same ranks in another order of runs are tied.

    Parameters
    ----------
    tag
        Of the fused run.
    runs
        What is fused. Queries stand in the order of the first run that has them.
    weights
        Of each run; 1 where absent.
    constant
        How little the first ranks count more than those that follow.
    """
    longest = max((len(docs) for run in runs for _, docs, _ in run), default=0)
    gains = [
        [weight / (constant + rank) for rank in range(1, longest + 1)]
        for weight in weights or [1.0] * len(runs)
    ]
    query_ids: list[str] = []
    doc_ids: list[str] = []
    scores: list[float] = []
    for query_id in dict.fromkeys(query_id for run in runs for query_id in run.query_ids):
        shares: dict[str, list[float]] = {}
        for run, own in zip(runs, gains, strict=True):
            for doc_id, gain in zip(run.docs(query_id), own, strict=False):
                shares.setdefault(doc_id, []).append(gain)
        query_ids += [query_id] * len(shares)
        doc_ids += shares
        scores += [math.fsum(share) for share in shares.values()]
    return Run.from_rows(tag, query_ids, doc_ids, scores)
