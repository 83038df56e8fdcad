"""The places that tied documents may take, and what follows from them for expected values.

A document that shares the places ``above + 1`` to ``above + tied`` with others takes each of them equally often.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.metric import Metric, Values
from evalkit.metrics.per_query import relevant_at_any_place, sums
from evalkit.metrics.ranked import Placed, RankedGrades


def chance_within(placed: Placed, cutoff: int | None) -> Values:
    """Return the ``(h,)`` probability of each document to be within the cutoff."""
    if cutoff is None:
        return np.ones(len(placed.query))
    return np.asarray(np.clip(cutoff - placed.above, 0, placed.tied) / placed.tied)


def sum_over_places(placed: Placed, cutoff: int | None, term: Callable[[Values], Values]) -> Values:
    """Return the ``(h,)`` sums of a term over the places within the cutoff that each document may take.

    Parameters
    ----------
    placed
        ``(h,)`` documents.
    cutoff
        The last place that counts; None for no limit.
    term
        ``(n,)`` places from 1 to ``(n,)`` summands.
    """
    last = placed.above + placed.tied
    ends = last if cutoff is None else np.minimum(last, cutoff)
    total = np.concatenate(([0.0], np.cumsum(term(np.arange(1.0, last.max(initial=0) + 1.0)))))
    return np.asarray(total[ends] - total[np.minimum(placed.above, ends)])


def expected_relevant(ranked: RankedGrades, metric: Metric) -> Values:
    """Return the ``(q,)`` expected numbers of relevant documents within the cutoff."""
    relevant = relevant_at_any_place(ranked, metric)
    return sums(ranked, relevant, chance_within(relevant, metric.cutoff))


def first_relevant_tie(ranked: RankedGrades, metric: Metric) -> tuple[Placed, NDArray[np.int64]]:
    """Return the first tie with a relevant document, for each query that has one.

    Returns
    -------
    ``(n,)`` one relevant document of each such tie, and ``(n,)`` the number of relevant documents in it.
    """
    relevant = relevant_at_any_place(ranked, metric)
    _, sizes = relevant.groups()
    first = relevant.ordinal() == 1
    return relevant.only(first), sizes[first]
