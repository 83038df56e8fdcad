"""What grades unjudged documents may have, as the judged documents of the same two systems show.

The grades of documents are independent. Those of a band of ranks (`BANDS`; the better of a document's two ranks) are
drawn from one distribution, which is estimated from the judged documents of the band and shrunk to that of all bands.
The model does not know which of the two systems ranks a document: an unjudged document of one system is as good as one
of the other. So the few judged documents move the expected difference by themselves alone, and are not extrapolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.counted_documents import CountedDocuments, Ints, Pairs
from evalkit.records import Grades

Floats = NDArray[np.float64]

BANDS = (3, 10)
"""Last ranks of the bands of ranks; the last band has all further ranks."""
_SHRINKAGE = 4.0
"""Number of judgments that the distribution of all bands counts as in each band."""
_PRIOR = 0.5
"""Number of judgments that each whole grade counts as before any is seen (Jeffreys)."""


@dataclass(frozen=True, slots=True, eq=False)
class UnseenGrades:
    """The unjudged documents of two systems, and what the judged ones say of their grades.

    Attributes
    ----------
    pairs
        The n unjudged documents, by query.
    band
        ``(n,)`` band of each.
    levels
        ``(l,)`` grades that a document may have: whole ones from 0 to the highest, and those seen.
    counts
        ``(b, l)`` judged documents of each band and grade.
    whole
        ``(l,)`` whether each grade is one from 0 to the highest, of which any may come.
    """

    pairs: Pairs
    band: Ints
    levels: Grades
    counts: Ints
    whole: NDArray[np.bool_]

    @classmethod
    def of(cls, counted: CountedDocuments, highest: float) -> UnseenGrades:
        """Return the unjudged documents of two systems; `highest` is the highest grade that one may get."""
        pairs = [counted.first, counted.second]
        query, doc = (np.concatenate([getattr(one, name) for one in pairs]) for name in ("query", "doc"))
        rank = np.concatenate([_ranks(one.query) for one in pairs])
        judged = np.concatenate((counted.first_judged, counted.second_judged))
        grades = np.concatenate((counted.first_grades, counted.second_grades))
        order = np.lexsort((rank, doc, query))
        new = np.ones(len(order), dtype=np.bool_)
        new[1:] = (np.diff(query[order]) != 0) | (np.diff(doc[order]) != 0)
        rows = order[new]
        band = np.searchsorted(BANDS, rank[rows])
        seen = judged[rows]
        whole = np.arange(int(highest) + 1, dtype=np.float64)
        levels = np.union1d(whole, grades[rows][seen])
        counts = np.zeros((len(BANDS) + 1, len(levels)), dtype=np.int64)
        np.add.at(counts, (band[seen], np.searchsorted(levels, grades[rows][seen])), 1)
        left = rows[~seen]
        return cls(Pairs(query[left], doc[left]), band[~seen], levels, counts, np.isin(levels, whole))

    @property
    def seen(self) -> int:
        """Number of judged documents."""
        return int(self.counts.sum())

    @property
    def expected(self) -> Floats:
        """``(b, l)`` expected share of each grade in each band."""
        common = self.counts.sum(axis=0) + _PRIOR * self.whole
        shares = self.counts + _SHRINKAGE * common / common.sum()
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    @property
    def means(self) -> Floats:
        """``(n,)`` expected grade of each document."""
        return np.asarray((self.expected @ self.levels)[self.band])

    @property
    def spreads(self) -> Floats:
        """``(n,)`` standard deviation of the grade of each document."""
        shares = self.expected
        means = shares @ self.levels
        return np.asarray(np.sqrt((shares * (self.levels - means[:, None]) ** 2).sum(axis=1))[self.band])

    def draw(self, rng: np.random.Generator) -> Grades:
        """Return ``(n,)`` grades of one draw: first of the distributions, then of the documents."""
        common = rng.standard_gamma(self.counts.sum(axis=0) + _PRIOR * self.whole)
        shares = rng.standard_gamma(self.counts + _SHRINKAGE * common / common.sum())
        ends = (shares / shares.sum(axis=1, keepdims=True)).cumsum(axis=1)[:, :-1]
        chosen = (rng.random(len(self.band))[:, None] > ends[self.band]).sum(axis=1)
        return np.asarray(self.levels[chosen], dtype=np.float64)


def _ranks(query: Ints) -> Ints:
    """Return the ``(n,)`` rank of each row within its query; the rows of a query are adjacent."""
    first = np.diff(query, prepend=-1) != 0
    starts = np.flatnonzero(first)
    return np.asarray(np.arange(1, len(query) + 1) - starts[first.cumsum() - 1])
