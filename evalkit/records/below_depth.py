"""Candidates below the reranking depth: dropped, or kept below the reranked ones as in production."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.records.runs import Run

BelowDepth = Literal["kept", "dropped"]
"""``kept``: a ranking is the reranked first d candidates, then the others in first-stage order; ``dropped``: the
reranked first d candidates alone."""

STEP = 2.0**-20
"""Relative distance of made-up scores: large enough that they differ as float32, too."""


def append_below(reranked: Run, first_stage: Run, depth: int) -> Run:
    """Return a reranked run, each list followed by its candidates below the depth in first-stage order.

    These candidates have no score of the reranker. A TREC run needs descending scores, so the first of them gets the
    lowest score of its list minus 1 (or minus 2**-20 of it, if that is more), and each further one as much less again.
    They are never ties, and no threshold or calibration may read them.

    Parameters
    ----------
    reranked
        The first `depth` candidates of each query by the reranker's scores, no other documents. A query that it lacks
        stays absent.
    first_stage
        All candidates.
    depth
        Number of reranked candidates per query.
    """
    starts, stops = first_stage.spans(reranked.query_ids)
    tail_starts = np.minimum(starts + depth, stops)
    tails, lengths = stops - tail_starts, np.diff(reranked.offsets)
    if not tails.any():
        return reranked
    names = first_stage.doc_names
    offsets = np.concatenate(([0], np.cumsum(lengths + tails))).astype(np.int64)
    codes = np.empty(offsets[-1], dtype=np.int64)
    is_tail = np.arange(len(codes)) - np.repeat(offsets[:-1], lengths + tails) >= np.repeat(
        lengths, lengths + tails
    )
    codes[~is_tail] = names.codes_of(reranked.doc_names)[reranked.doc_codes]
    codes[is_tail] = first_stage.doc_codes[_ranges(tail_starts, tails)]
    scores = _with_tails(reranked, lengths, tails)
    return Run(reranked.tag, reranked.query_ids, offsets, names, codes, scores)


def _ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers ``start ... start + length - 1`` of every pair, one after the other."""
    ends = np.cumsum(lengths)
    return np.asarray(np.arange(ends[-1]) + np.repeat(starts - (ends - lengths), lengths))


def _with_tails(reranked: Run, lengths: NDArray[np.int64], tails: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the scores of the reranked documents of each query, followed by those of its tail."""
    own = reranked.scores
    lowest = own[reranked.offsets[1:] - 1]
    step = np.maximum(1.0, np.abs(lowest) * STEP)
    with np.errstate(over="ignore"):
        full = np.flatnonzero(~np.isfinite(lowest - step * tails))
    if len(full):
        own, lowest, step = own.copy(), lowest.copy(), step.copy()
        for query in full.tolist():  # no float64 is lower, so the order of the scores takes their place
            rows = slice(reranked.offsets[query], reranked.offsets[query + 1])
            own[rows] = np.unique(own[rows], return_inverse=True)[1]
            lowest[query], step[query] = 0.0, 1.0
    sizes = lengths + tails
    place = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes) - np.repeat(lengths, sizes)
    scores = np.repeat(lowest, sizes) - np.repeat(step, sizes) * np.maximum(place + 1, 0)
    scores[place < 0] = own
    return np.asarray(scores)
