"""The places of judged documents at every reranking depth: what sweeps compute values from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Grades

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class IdealGrades:
    """Grades of all judged documents of some queries, in the lists or not.

    Attributes
    ----------
    query
        ``(n,)`` row of the query, ascending.
    grade
        ``(n,)``, descending within a query.
    """

    query: Ints
    grade: Grades

    @classmethod
    def sorted(cls, query: Ints, grade: Grades) -> IdealGrades:
        """Return grades in any order of their queries."""
        order = np.lexsort((-grade, query))
        return cls(query[order], grade[order])

    def within(self, cutoff: int | None) -> IdealGrades:
        """Return the first grades of each query, down to a cutoff."""
        if cutoff is None:
            return self
        place = np.arange(len(self.query)) - np.searchsorted(self.query, self.query)
        return IdealGrades(self.query[place < cutoff], self.grade[place < cutoff])


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPlaces:
    """The judged candidates of q queries with their places at d reranking depths.

    Attributes
    ----------
    queries
        Number of queries; some may have no candidate.
    query
        ``(j,)`` row of the query of each candidate, ascending.
    grades
        ``(j,)``.
    places
        ``(j, d)`` place at every depth, from 1; infinite at depths that do not reach the document.
    ideal
        Grades of all judged documents.
    in_order
        Whether the places of the rows of a query ascend at every depth; those not reached do not count.
    """

    queries: int
    query: Ints
    grades: Grades
    places: NDArray[np.float64]
    ideal: IdealGrades
    in_order: bool = True

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and number of depths."""
        return self.queries, self.places.shape[1]

    def within(self, cutoff: int | None, rel: int | None) -> NDArray[np.bool_]:
        """Return ``(j, d)`` whether a document is relevant, is reached, and is within the cutoff.

        It is relevant if its grade is `rel` or more; where `rel` is None, if its grade is above 0.
        """
        inside = np.isfinite(self.places) & (self.places <= (np.inf if cutoff is None else cutoff))
        relevant = self.grades > 0 if rel is None else self.grades >= rel
        return np.asarray(inside & relevant[:, None])

    def by_ordinal(self) -> Iterator[Ints]:
        """Yield the first row of every query, then the second rows of those that have one, and so on."""
        ordinal = np.arange(len(self.query)) - np.searchsorted(self.query, self.query)
        order = ordinal.argsort(kind="stable")
        ends = np.bincount(ordinal).cumsum()
        yield from np.split(order, ends[:-1])

    def sums(self, values: NDArray[np.float64] | NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the ``(q, d)`` sums of ``(j, d)`` values over the rows of each query, added in their order."""
        found = np.zeros(self.shape)
        for rows in self.by_ordinal():
            found[self.query[rows]] += values[rows]
        return found

    def lowest(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the ``(q, d)`` lowest of ``(j, d)`` values of each query; infinite without a row."""
        found = np.full(self.shape, np.inf)
        for rows in self.by_ordinal():
            found[self.query[rows]] = np.minimum(found[self.query[rows]], values[rows])
        return found

    def by_place(self) -> NDArray[np.int64] | None:
        """Return ``(j, d)`` rows ordered by query and place, at every depth; None if this is their order."""
        if self.in_order:
            return None
        last = np.max(self.places, where=np.isfinite(self.places), initial=0.0) + 1
        key = self.query[:, None] * (last + 1) + np.minimum(self.places, last)
        return np.asarray(key.argsort(axis=0, kind="stable"))

    def ordinal(self, counted: NDArray[np.bool_]) -> Ints:
        """Return ``(j, d)`` number of counted documents down to the place of each document, at every depth."""
        order = self.by_place()
        ordered = counted if order is None else np.take_along_axis(counted, order, axis=0)
        total = ordered.cumsum(axis=0)
        first = np.searchsorted(self.query, self.query)  # queries keep their rows in both orders
        numbers = total - np.where(first > 0, 1, 0)[:, None] * total[first - 1]
        if order is None:
            return np.asarray(numbers)
        found = np.empty(numbers.shape, dtype=np.int64)
        np.put_along_axis(found, order, numbers, axis=0)
        return found

    def number_relevant(self, rel: int) -> Ints:
        """Return the ``(q,)`` number of judged documents of grade `rel` or more."""
        return np.bincount(self.ideal.query[self.ideal.grade >= rel], minlength=self.queries)

    def over_relevant(self, sums: NDArray[np.float64], rel: int) -> NDArray[np.float64]:
        """Return ``(q, d)`` sums divided by the number of documents of grade `rel` or more; 0 if there is none."""
        relevant = self.number_relevant(rel)[:, None]
        return np.divide(sums, relevant, out=np.zeros_like(sums), where=relevant > 0)
