"""Ranks of the documents of one run in another, such as those of reranked documents in the first stage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Run


def ranks_in(candidates: Run, run: Run) -> NDArray[np.int64]:
    """Return the ``(r,)`` rank, from 1, of the document of each row of `run` among the candidates of its query.

    The rank of a document that is no candidate is 0.
    """
    names = candidates.doc_names
    query = candidates.rows_of(run.query_ids)[run.owners]
    code = names.codes_of(run.doc_names)[run.doc_codes]
    known = np.flatnonzero((query >= 0) & (code >= 0))
    pairs = query[known] * len(names) + code[known]
    every = candidates.owners * len(names) + candidates.doc_codes
    order = every.argsort()
    # In ascending order a search begins where the last one ended.
    by_pair = pairs.argsort()
    place = np.searchsorted(every[order], pairs[by_pair])
    place = np.minimum(place, len(every) - 1)
    found = every[order[place]] == pairs[by_pair] if len(every) else np.zeros(len(pairs), dtype=np.bool_)
    ranks = np.zeros(len(run), dtype=np.int64)
    ranks[known[by_pair[found]]] = candidates.places[order[place[found]]]
    return ranks
