"""The best list of judged documents whose texts fit a budget of tokens: the ideal list of nDCG at a budget.

In the best list documents are ordered by gain. Of the documents with one gain it has the shortest: exchanging one of
them for a shorter one leaves the gains as they are and the list still fits. So a list is determined by how many
documents of each gain it has, and the best one is found exactly by dynamic programming over the gains, the highest
first: of the lists with equally many documents only those remain that no other one surpasses with fewer tokens, and
that could still become better than the best list known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.ranked import JudgedLengths

Values = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_LISTS = 200_000
"""Lists of a query that are compared at once; beyond it, an upper bound takes the place of the exact value."""
_ROUNDING = 1 - 1e-9
"""A list is only left out if it is worse by more than sums of floats can be wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """The best lists of q queries.

    Attributes
    ----------
    dcg
        ``(q,)`` their discounted cumulative gains.
    bound
        ``(q,)`` whether the value is an upper bound: the length of a relevant document is unknown, so that it counts as
        fitting, or more than `MOST_LISTS` lists would have to be compared.
    """

    dcg: Values
    bound: NDArray[np.bool_]


def best_packing(judged: JudgedLengths, gains: Values, queries: int) -> Packing:
    """Return the highest discounted cumulative gain of any list of judged documents that fits the budget.

    Parameters
    ----------
    judged
        ``(j,)`` documents with their tokens.
    gains
        ``(j,)`` their gains; those without a gain are in no best list.
    queries
        Number of queries.
    """
    rows = np.flatnonzero((gains > 0) & (judged.tokens <= judged.budget))
    rows = rows[np.lexsort((judged.tokens[rows], -gains[rows], judged.query[rows]))]
    query, gain, tokens = judged.query[rows], gains[rows], np.maximum(judged.tokens[rows], 0)
    edges = np.searchsorted(query, np.arange(queries + 1))
    chosen = np.ones(len(rows), dtype=np.bool_)
    bound = np.bincount(judged.query[rows[judged.tokens[rows] < 0]], minlength=queries) > 0
    crossing = np.bincount(query, tokens, queries) > judged.budget
    dcg = np.zeros(queries)
    for number in np.flatnonzero(crossing).tolist():
        part = slice(edges[number], edges[number + 1])
        documents = _Documents.of(gain[part], tokens[part], judged.budget)
        taken = _best_numbers(documents)
        if taken is None:
            bound[number] = True
            dcg[number] = documents.most(_NO_DOCUMENTS, 0)[0]
            taken = np.zeros(len(documents.gains), dtype=np.int64)
        chosen[part] = _first_of_each(documents, taken)
    query, gain = query[chosen], gain[chosen]
    place = np.arange(len(query)) - np.searchsorted(query, query) + 1
    dcg += np.bincount(query, gain / np.log2(place + 1.0), queries)
    return Packing(dcg, bound)


@dataclass(frozen=True, slots=True, eq=False)
class _Lists:
    """Lists of documents of the highest gains that fit the budget.

    Attributes
    ----------
    count, used, value
        ``(n,)`` documents of each list, their tokens, and their discounted cumulative gain.
    taken
        ``(n, g)`` documents of each gain so far.
    """

    count: Ints
    used: Ints
    value: Values
    taken: Ints

    def only(self, rows: Ints | NDArray[np.bool_]) -> _Lists:
        return _Lists(self.count[rows], self.used[rows], self.value[rows], self.taken[rows])


@dataclass(frozen=True, slots=True, eq=False)
class _Documents:
    """The documents of one query, in g groups of one gain each, the highest first.

    Attributes
    ----------
    tokens
        Of each group, ascending.
    discount
        ``(j + 1,)`` sums of the discounts of the first places.
    """

    gains: tuple[float, ...]
    tokens: tuple[Ints, ...]
    discount: Values
    budget: int

    @classmethod
    def of(cls, gain: Values, tokens: Ints, budget: int) -> _Documents:
        starts = np.flatnonzero(np.diff(gain, prepend=np.inf))
        discounts = 1.0 / np.log2(np.arange(len(gain)) + 2.0)
        return cls(
            tuple(gain[starts].tolist()),
            tuple(np.split(tokens, starts[1:])),
            np.concatenate(([0.0], np.cumsum(discounts))),
            budget,
        )

    def added(self, lists: _Lists, rows: Ints, group: int, more: Ints) -> _Lists:
        """Return ``(m,)`` lists, each that of a row with some more documents of a group."""
        prefix, count = _sums_from_zero(self.tokens[group]), lists.count[rows]
        return _Lists(
            count + more,
            lists.used[rows] + prefix[more],
            lists.value[rows] + self.gains[group] * (self.discount[count + more] - self.discount[count]),
            np.column_stack((lists.taken[rows], more)),
        )

    def filled(self, lists: _Lists, group: int) -> _Lists:
        """Return the lists with as many documents of each group from this one on as fit."""
        for number in range(group, len(self.gains)):
            prefix = _sums_from_zero(self.tokens[number])
            more = np.searchsorted(prefix, self.budget - lists.used, side="right") - 1
            lists = self.added(lists, np.arange(len(more)), number, more)
        return lists

    def most(self, lists: _Lists, group: int) -> Values:
        """Return ``(n,)`` upper bounds of the values with any documents of the groups from this one on.

        No list has more documents of the first h groups than fit of these alone, for any h, and the value grows with
        each of these numbers.
        """
        value, count = lists.value, lists.count
        for number in range(group, len(self.gains)):
            prefix = np.cumsum(np.sort(np.concatenate(self.tokens[group : number + 1])))
            reached = lists.count + np.searchsorted(prefix, self.budget - lists.used, side="right")
            value = value + self.gains[number] * (self.discount[reached] - self.discount[count])
            count = reached
        return value


_NO_DOCUMENTS = _Lists(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1), np.zeros((1, 0), np.int64))


def _best_numbers(documents: _Documents) -> Ints | None:
    """Return the ``(g,)`` numbers of documents of each gain in the best list; None if too many are to be compared."""
    lists, last = _NO_DOCUMENTS, len(documents.gains) - 1
    for group in range(last):
        prefix = _sums_from_zero(documents.tokens[group])
        if len(lists.count) * len(prefix) > MOST_LISTS:
            return None
        rows, more = np.nonzero(lists.used[:, None] + prefix <= documents.budget)
        lists = documents.added(lists, rows, group, more)
        lists = lists.only(_unsurpassed(lists))
        reached = documents.filled(lists, group + 1).value.max()
        lists = lists.only(documents.most(lists, group + 1) >= reached * _ROUNDING)
    lists = documents.filled(lists, last)
    best: Ints = lists.taken[lists.value.argmax()]
    return best


def _unsurpassed(lists: _Lists) -> Ints:
    """Return the rows that no other row with as many documents surpasses with at most as many tokens."""
    order = np.lexsort((-lists.value, lists.used, lists.count))
    ranks = np.unique(lists.value[order], return_inverse=True)[1]
    highest = np.maximum.accumulate(ranks + lists.count[order] * (len(order) + 1))
    kept: Ints = order[np.diff(highest, prepend=-1) > 0]
    return kept


def _sums_from_zero(tokens: Ints) -> Ints:
    return np.concatenate(([0], np.cumsum(tokens)))


def _first_of_each(documents: _Documents, taken: Ints) -> NDArray[np.bool_]:
    """Return which ``(j,)`` documents are among the first `taken` of their group."""
    groups = zip(documents.tokens, taken.tolist(), strict=True)
    return np.concatenate([np.arange(len(tokens)) < number for tokens, number in groups])
