"""Ranks of the documents of one run in another, such as those of reranked documents in the first stage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Run

_CELLS = 2**20
"""Cells of a table of queries by documents: as many queries at once as have room in it, and fit in a cache."""


def ranks_in(candidates: Run, run: Run) -> NDArray[np.int64]:
    """Return the ``(r,)`` rank, from 1, of the document of each row of `run` among the candidates of its query.

    The rank of a document that is no candidate is 0.
    """
    rows = rows_in(candidates, run)
    return np.where(rows < 0, 0, np.append(candidates.places, 0)[rows])


def rows_in(candidates: Run, run: Run) -> NDArray[np.int64]:
    """Return the ``(r,)`` row of `candidates` with the query and document of each row of `run`; -1 if there is none."""
    codes = candidates.doc_names.codes_of(run.doc_names)[run.doc_codes]
    query = candidates.rows_of(run.query_ids)
    found = np.full(len(run), -1, dtype=np.int64)
    width = max(len(candidates.doc_names), 1)
    together = max(_CELLS // width, 1)
    # Rows of a table of queries by documents; it is cleared where it was filled, so that its size costs nothing.
    table = np.full(together * width, -1, dtype=np.int64)
    lists = np.flatnonzero(query >= 0)
    lists = lists[np.argsort(query[lists], kind="stable")]
    for start in range(0, len(candidates.query_ids), together):
        stop = min(start + together, len(candidates.query_ids))
        of_part = lists[slice(*np.searchsorted(query[lists], (start, stop)))]
        if not len(of_part):
            continue
        first, last = candidates.offsets[start], candidates.offsets[stop]
        sizes = np.diff(candidates.offsets[start : stop + 1])
        cells = np.repeat(np.arange(stop - start) * width, sizes) + candidates.doc_codes[first:last]
        table[cells] = np.arange(first, last)
        rows, wanted = _rows_of(run, of_part, (query[of_part] - start) * width)
        known = codes[rows] >= 0
        found[rows[known]] = table[wanted[known] + codes[rows[known]]]
        table[cells] = -1
    return found


def _rows_of(run: Run, lists: NDArray[np.int64], values: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Return the rows of some lists, and the value of its list for each row."""
    sizes = run.offsets[lists + 1] - run.offsets[lists]
    ends = sizes.cumsum()
    rows = np.arange(ends[-1]) + np.repeat(run.offsets[lists] - (ends - sizes), sizes)
    return rows, np.repeat(values, sizes)
