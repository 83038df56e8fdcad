"""The best documents for queries, in one total order; of one index, or of several that hold parts of a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from evalkit.retrievers.bm25_scores import Bm25Index

_MANY = 1 << 17
"""With fewer rows for all terms of a query, adding up all of them is quickest."""

_LOOKUP = 8
"""Looking for a row takes as long as writing and clearing this many."""

_ROUNDING = 1 - 1e-9
"""Sums taken in another order differ by less than this: what is left out for good is truly below."""

_ABOVE_ZERO = float(np.nextafter(0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Tops:
    """The best documents of each query, best first: by score, then by id, both descending.

    Attributes
    ----------
    offsets
        ``(q + 1,)`` rows ``offsets[i]:offsets[i + 1]`` belong to query ``i``; a query may have none.
    id_ranks
        ``(r,)`` which document: its place in the ascending order of all ids of the corpus.
    scores
        ``(r,)`` its score, above 0.
    """

    offsets: NDArray[np.int64]
    id_ranks: NDArray[np.int64]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, queries: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> Tops:
        """Join the columns of queries."""
        lengths = [len(scores) for _, scores in queries]
        nothing = (np.empty(0, dtype=np.int64), np.empty(0))
        id_ranks, scores = zip(nothing, *queries, strict=True)
        return cls(np.cumsum([0, *lengths]), np.concatenate(id_ranks), np.concatenate(scores))

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Yield the columns of each query."""
        for start, stop in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            yield self.id_ranks[start:stop], self.scores[start:stop]


def search(
    index: Bm25Index, id_ranks: NDArray[np.int64], queries: Sequence[Sequence[str]], depth: int
) -> Tops:
    """Return the best documents of an index for each query.

    Parameters
    ----------
    index
        Scores of the whole corpus, or of a part.
    id_ranks
        ``(d,)`` for each row of the index, the document's place in the ascending order of all ids of the corpus.
    queries
        The terms of each query; a repeated term counts as often as it stands.
    depth
        Documents wanted; one that shares no term with a query is not returned.
    """
    columns = index.columns(term for terms in queries for term in terms)
    sums = np.zeros(len(id_ranks), dtype=np.float64)
    found = []
    for terms in queries:
        # Sorted, so that the sum of float scores does not depend on the order of the words.
        wanted = sorted((term, times) for term, times in Counter(terms).items() if term in columns)
        postings = [_Postings.of(index, columns[term], times) for term, times in wanted]
        rows, scores = _candidates(postings, depth, sums)
        found.append(_best(id_ranks[rows], scores, depth))
    return Tops.of(found)


def merge(parts: Sequence[Tops], depth: int) -> Tops:
    """Return the best documents of the whole corpus from the best of each of its parts, for the same queries."""
    if len(parts) == 1:
        return parts[0]
    return Tops.of(
        [
            _best(np.concatenate([ranks for ranks, _ in tops]), np.concatenate([s for _, s in tops]), depth)
            for tops in zip(*parts, strict=True)
        ]
    )


def _best(
    id_ranks: NDArray[np.int64], scores: NDArray[np.float64], depth: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sort by score, then by id, both descending, and cut; a score of 0 is no score."""
    # Cut at the depth-th score first: every document that ties with it stays in the race.
    keep = scores >= max(_nth(scores, depth), _ABOVE_ZERO)
    id_ranks, scores = id_ranks[keep], scores[keep]
    order = np.lexsort((-id_ranks, -scores))[:depth]
    return id_ranks[order], scores[order]


def _nth(scores: NDArray[np.float64], n: int) -> float:
    """Return the n-th largest; 0 where there are fewer."""
    return float(np.partition(scores, len(scores) - n)[len(scores) - n]) if len(scores) >= n else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Postings:
    """The rows of one term of a query, ascending, and what the term gives them."""

    rows: NDArray[np.int32]
    gains: NDArray[np.float32]
    times: int
    peak: float

    @classmethod
    def of(cls, index: Bm25Index, column: int, times: int) -> _Postings:
        held = slice(index.indptr[column], index.indptr[column + 1])
        return cls(index.rows[held], index.scores[held], times, times * float(index.peaks[column]))

    def add_to(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add to the sums of all rows; return the new ones of these."""
        rows = self.rows.astype(np.intp)
        new = sums.take(rows) + self._times(self.gains)
        sums[rows] = new
        return new

    def take_from(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums of these rows and leave 0 in their place: a row that another term took has 0."""
        rows = self.rows.astype(np.intp)
        taken = sums.take(rows)
        sums[rows] = 0
        return taken

    def gains_of(self, rows: NDArray[np.int32], sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the term gives some rows, 0 where it does not occur; the sums are zeros, and stay so."""
        if len(self.rows) < _LOOKUP * len(rows):
            own = self.rows.astype(np.intp)
            sums[own] = self._times(self.gains)
            gains = sums.take(rows)
            sums[own] = 0
            return gains
        places = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[places] == rows, self._times(self.gains[places]), 0.0)

    def _times(self, gains: NDArray[np.float32]) -> NDArray[np.float64]:
        return self.times * gains.astype(np.float64)


def _candidates(
    postings: Sequence[_Postings], depth: int, sums: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return rows that hold the best `depth` of a query, and few more, with their scores.

    Rare terms come first. Once the depth-th best sum is out of reach of a row that holds none but the terms left,
    those are looked up for the rows that can still be among the best, and their other rows are never read: MaxScore
    (Turtle and Flood 1995).

    Parameters
    ----------
    postings
        Terms of the query; scores are sums in this order.
    depth
        Documents wanted.
    sums
        ``(d,)`` zeros to work in; zeros again afterwards.
    """
    order = list(postings)
    if sum(len(one.rows) for one in order) > _MANY:
        order.sort(key=lambda one: -one.peak)
    # What a row can still gain before each term, and after the last.
    reach = [*accumulate((one.peak for one in reversed(order)), initial=0.0)][::-1]
    added, least = _add_rare(order, reach, depth, sums)
    rows, partial = _collect(order[:added], least - reach[added], sums)
    if order[:added] == postings:
        return rows, partial
    rows, partial = _within(rows, partial, reach[added], depth)
    ascending = np.argsort(rows, kind="stable")  # what lies together is looked up together
    rows, partial = rows[ascending], partial[ascending]
    for number, one in enumerate(order[added:], added + 1):
        rows, partial = _within(rows, partial + one.gains_of(rows, sums), reach[number], depth)
    return rows, sum((one.gains_of(rows, sums) for one in postings), np.zeros(len(rows)))


def _add_rare(
    order: Sequence[_Postings], reach: Sequence[float], depth: int, sums: NDArray[np.float64]
) -> tuple[int, float]:
    """Add up terms while a row that holds none of them may be among the best.

    Returns
    -------
    added, least
        How many, and a score that the best `depth` rows have at least.
    """
    least = 0.0
    for number, one in enumerate(order):
        if reach[number] < least:
            return number, least
        new = one.add_to(sums)
        least = max(least, _nth(new[new >= least], depth) * _ROUNDING)
    return len(order), least


def _collect(
    added: Sequence[_Postings], least: float, sums: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the rows whose sum is at least so much, each once, with their sums; clear all sums."""
    rows, partial = [np.empty(0, dtype=np.int32)], [np.empty(0)]
    for one in added:
        taken = one.take_from(sums)
        keep = taken >= max(least, _ABOVE_ZERO)
        rows.append(one.rows[keep])
        partial.append(taken[keep])
    return np.concatenate(rows), np.concatenate(partial)


def _within(
    rows: NDArray[np.int32], partial: NDArray[np.float64], reach: float, depth: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the rows that can still be among the best if they gain as much as they can."""
    keep = partial + reach >= _nth(partial, depth) * _ROUNDING
    return rows[keep], partial[keep]
