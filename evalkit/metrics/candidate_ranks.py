"""Ranks of the documents of one run in another, such as those of reranked documents in the first stage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Run


def ranks_in(candidates: Run, run: Run) -> NDArray[np.int64]:
    """Return the ``(r,)`` rank, from 1, of the document of each row of `run` among the candidates of its query.

    The rank of a document that is no candidate is 0.
    """
    ranks = np.zeros(len(run), dtype=np.int64)
    for index, (query_id, docs, _) in enumerate(run):
        rank_of = {doc_id: rank for rank, doc_id in enumerate(candidates.docs(query_id), 1)}
        ranks[run.offsets[index] : run.offsets[index + 1]] = [rank_of.get(doc_id, 0) for doc_id in docs]
    return ranks
