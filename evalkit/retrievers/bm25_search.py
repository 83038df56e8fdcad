"""Find the best documents of queries in one BM25 index, and merge the results of several parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from evalkit.retrievers.bm25_scores import Bm25Index

_MIN_POSTINGS_TO_PRUNE = 1 << 17
"""With fewer postings for all terms of a query, adding up all scores is faster than pruning."""

_COMMON_SHARE = 16
"""If the term with the highest peak occurs in more than one of so many rows, nearly all sums are needed."""

_GROUP = 64
"""Rows of which only the best is considered for a lower bound of the best sums."""

_LOOKUP_COST = 8
"""Time to look up one row, in units of the time to write and clear one row of the sums."""

_ROUNDING = 1 - 1e-9
"""Relative tolerance for sums computed in another order: pruning never removes a row because of rounding."""

_ABOVE_ZERO = float(np.nextafter(0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class TopDocuments:
    """The best documents of each query, sorted by score, then by id, both descending.

    Attributes
    ----------
    offsets
        ``(q + 1,)`` rows ``offsets[i]:offsets[i + 1]`` belong to query ``i``; a query may have none.
    id_ranks
        ``(r,)`` document, as the rank of its id in ascending order of all ids of the corpus.
    scores
        ``(r,)`` score of the document, above 0.
    """

    offsets: NDArray[np.int64]
    id_ranks: NDArray[np.int64]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, queries: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> TopDocuments:
        """Build from ``(id_ranks, scores)`` of each query."""
        lengths = [len(scores) for _, scores in queries]
        empty = (np.empty(0, dtype=np.int64), np.empty(0))
        id_ranks, scores = zip(empty, *queries, strict=True)
        return cls(np.cumsum([0, *lengths]), np.concatenate(id_ranks), np.concatenate(scores))

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Yield ``(id_ranks, scores)`` of each query."""
        for start, stop in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            yield self.id_ranks[start:stop], self.scores[start:stop]


def search(
    index: Bm25Index, id_ranks: NDArray[np.int64], queries: Sequence[Sequence[str]], depth: int
) -> TopDocuments:
    """Return the best documents of an index for each query.

    Parameters
    ----------
    index
        Scores of the whole corpus, or of a part.
    id_ranks
        ``(d,)`` for each row of the index, the rank of the document's id in ascending order of all ids of the corpus.
    queries
        The terms of each query; a repeated term counts once per occurrence.
    depth
        Documents to return per query; a document without a term of the query is not returned.
    """
    columns = index.columns(term for terms in queries for term in terms)
    sums = np.zeros(len(id_ranks), dtype=np.float64)
    found = []
    for terms in queries:
        # Sort the terms, so that the sum of float scores does not depend on the order of the words.
        counts = sorted((term, count) for term, count in Counter(terms).items() if term in columns)
        postings = [_Postings.of(index, columns[term], count) for term, count in counts]
        rows, scores = _candidates(postings, depth, sums)
        found.append(_sort_and_cut(id_ranks[rows], scores, depth))
    return TopDocuments.of(found)


def merge(parts: Sequence[TopDocuments], depth: int) -> TopDocuments:
    """Return the best documents of the corpus from the best documents of each part, for the same queries."""
    if len(parts) == 1:
        return parts[0]
    merged = []
    for part_results in zip(*parts, strict=True):
        id_ranks, scores = zip(*part_results, strict=True)
        merged.append(_sort_and_cut(np.concatenate(id_ranks), np.concatenate(scores), depth))
    return TopDocuments.of(merged)


def _sort_and_cut(
    id_ranks: NDArray[np.int64], scores: NDArray[np.float64], depth: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the best `depth` documents with a score above 0, sorted by score, then by id, both descending."""
    # Before sorting, drop documents below the depth-th score; those that tie with it are kept.
    keep = scores >= max(_nth(scores, depth), _ABOVE_ZERO)
    id_ranks, scores = id_ranks[keep], scores[keep]
    order = np.lexsort((-id_ranks, -scores))[:depth]
    return id_ranks[order], scores[order]


def _nth(scores: NDArray[np.float64], n: int) -> float:
    """Return the n-th largest score; 0 if there are fewer than n."""
    return float(np.partition(scores, len(scores) - n)[len(scores) - n]) if len(scores) >= n else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Postings:
    """The postings of one query term: the documents that contain it, with their scores.

    Attributes
    ----------
    rows
        ``(p,)`` rows of the documents, ascending.
    scores
        ``(p,)`` score of one occurrence of the term in the query.
    count
        Occurrences of the term in the query.
    peak
        Largest total score of the term in any document.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    count: int
    peak: float

    @classmethod
    def of(cls, index: Bm25Index, column: int, count: int) -> _Postings:
        span = slice(index.indptr[column], index.indptr[column + 1])
        return cls(index.rows[span], index.scores[span], count, count * float(index.peaks[column]))

    @property
    def totals(self) -> NDArray[np.float64]:
        """The ``(p,)`` total scores of the term in its rows."""
        return self._total(self.scores)

    def add_to(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add the term's scores to the ``(d,)`` sums; return the ``(p,)`` new sums of the term's rows."""
        rows = self.rows.astype(np.intp)
        new = sums.take(rows) + self.totals
        sums[rows] = new
        return new

    def take_from(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the ``(p,)`` sums of the term's rows, and set these sums to 0."""
        rows = self.rows.astype(np.intp)
        taken = sums.take(rows)
        sums[rows] = 0
        return taken

    def scores_of(self, rows: NDArray[np.int32], sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the term's score in each of the given rows, 0 if it does not occur; `sums` is a buffer of zeros."""
        if len(self.rows) < _LOOKUP_COST * len(rows):
            term_rows = self.rows.astype(np.intp)
            sums[term_rows] = self.totals
            found = sums.take(rows)
            sums[term_rows] = 0
            return found
        indices = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[indices] == rows, self._total(self.scores[indices]), 0.0)

    def _total(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        return self.count * scores.astype(np.float64)


def _candidates(
    postings: Sequence[_Postings], depth: int, sums: NDArray[np.float64]
) -> tuple[NDArray[np.signedinteger], NDArray[np.float64]]:
    """Return rows that include the best `depth` documents of a query, with their scores.

    The algorithm is MaxScore (Turtle and Flood 1995). It adds up the terms with the highest peaks first. When a row
    without any of these terms can no longer be among the best, the other terms are only looked up in the rows that
    can.

    Parameters
    ----------
    postings
        Postings of the query's terms; scores are summed in this order.
    depth
        Documents to return.
    sums
        ``(d,)`` buffer of zeros; it contains zeros again afterwards.
    """
    if postings and _COMMON_SHARE * len(max(postings, key=lambda term: term.peak).rows) > len(sums):
        return _add_all(postings, depth, sums)
    order = list(postings)
    if sum(len(term.rows) for term in order) > _MIN_POSTINGS_TO_PRUNE:
        order.sort(key=lambda term: -term.peak)
    # remaining[i]: the largest score that the terms from the i-th on can add to a row.
    remaining = [*accumulate((term.peak for term in reversed(order)), initial=0.0)][::-1]
    added, threshold = _add_terms(order, remaining, depth, sums)
    rows, partial = _collect(order[:added], threshold - remaining[added], sums)
    if order[:added] == postings:
        return rows, partial
    rows, partial = _prune(rows, partial, remaining[added], depth)
    ascending = np.argsort(rows, kind="stable")  # ascending rows make the lookups faster
    rows, partial = rows[ascending], partial[ascending]
    for number, term in enumerate(order[added:], added + 1):
        rows, partial = _prune(rows, partial + term.scores_of(rows, sums), remaining[number], depth)
    return rows, sum((term.scores_of(rows, sums) for term in postings), np.zeros(len(rows)))


def _add_all(
    postings: Sequence[_Postings], depth: int, sums: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what `_candidates` does, from the sums of all rows: the fastest way if all terms are very common."""
    for term in postings:
        np.add.at(sums, term.rows, term.totals)
    # The best sums of groups are sums of different rows: the depth-th best of all rows is not below that of these.
    groups = len(sums) // _GROUP
    best = sums[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
    rows = np.flatnonzero(sums >= max(_nth(best, depth), _ABOVE_ZERO))
    found = sums[rows]
    sums.fill(0)
    return rows, found


def _add_terms(
    order: Sequence[_Postings], remaining: Sequence[float], depth: int, sums: NDArray[np.float64]
) -> tuple[int, float]:
    """Add terms to the sums until a row without any of them can no longer be among the best.

    Returns
    -------
    added, threshold
        Number of terms added, and a lower bound of the depth-th best score.
    """
    threshold = 0.0
    for number, term in enumerate(order):
        if remaining[number] < threshold:
            return number, threshold
        new = term.add_to(sums)
        threshold = max(threshold, _nth(new[new >= threshold], depth) * _ROUNDING)
    return len(order), threshold


def _collect(
    added: Sequence[_Postings], threshold: float, sums: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the rows whose sum reaches the threshold, each once, with their sums; set all sums to 0."""
    rows, partial = [np.empty(0, dtype=np.int32)], [np.empty(0)]
    for term in added:
        taken = term.take_from(sums)
        keep = taken >= max(threshold, _ABOVE_ZERO)
        rows.append(term.rows[keep])
        partial.append(taken[keep])
    return np.concatenate(rows), np.concatenate(partial)


def _prune(
    rows: NDArray[np.int32], partial: NDArray[np.float64], remaining: float, depth: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the rows that can be among the best `depth` if their partial sums grow by `remaining`."""
    keep = partial + remaining >= _nth(partial, depth) * _ROUNDING
    return rows[keep], partial[keep]
