"""Ranked lists of the scores of one system, from columns with numbers in place of names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Names, Run


def run_of_scores(
    tag: str, queries: Names, docs: Names, columns: Mapping[str, NDArray[Any]]
) -> tuple[Run, NDArray[np.int64]]:
    """Return rows of the table of scores as a run, and the ``(r,)`` row of each of the run's rows.

    Parameters
    ----------
    tag
        Name of the system.
    queries, docs
        The names that the columns refer to; some may have no row.
    columns
        ``query_id``, ``doc_id`` and ``score``. Queries keep the order of their first row.

    Raises
    ------
    DataFormatError
        If a score is not finite, or a query lists a document twice.
    """
    code = columns["query_id"]
    # Rows of one query are adjacent, so that few rows tell the order of the queries.
    first = np.flatnonzero(np.diff(code, prepend=-1))
    order = np.array(list(dict.fromkeys(code[first].tolist())), dtype=np.int64)
    owner = np.zeros(len(queries), dtype=np.int64)
    owner[order] = np.arange(len(order))
    query_ids = tuple([queries[number] for number in order.tolist()])
    return Run.sorted_from_codes(tag, query_ids, owner[code], docs, columns["doc_id"], columns["score"])
