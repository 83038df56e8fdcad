"""A run seen through its judgments: the columns that every kernel reads.

Only judged documents have a row. A list of a thousand documents has a handful of them, so that metrics cost what
the judgments cost, not what the lists do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain, compress, count

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Qrels, Run

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Judged documents in their lists: h rows, query after query, by place.

    Attributes
    ----------
    query
        ``(h,)`` row of the query, ascending.
    place
        ``(h,)`` place in the query's list, from 1; ascending within a query.
    grade
        ``(h,)``.
    above, tied
        ``(h,)`` documents that stand above all those of the same score, and how many have that score: the places
        ``above + 1`` to ``above + tied`` are open to the document. As long as nobody looks at ties, its own place.
    """

    query: Ints
    place: Ints
    grade: Ints
    above: Ints
    tied: Ints

    def only(self, rows: NDArray[np.bool_] | Ints) -> Placed:
        """Return some of the rows, or all of them in another order."""
        columns = (self.query, self.place, self.grade, self.above, self.tied)
        return Placed(*(column[rows] for column in columns))

    def within(self, cutoff: int | None) -> Placed:
        """Return the rows down to a cutoff."""
        return self if cutoff is None else self.only(self.place <= cutoff)

    def stretch(self) -> tuple[Ints, Ints]:
        """Return ``(h,)`` the first row of the same query and score, and how many rows have these."""
        return _runs_of_equals(self.query, self.above)

    def ordinal(self) -> Ints:
        """Return ``(h,)`` the number of each row within its query, from 1."""
        return np.arange(1, len(self.query) + 1) - _runs_of_equals(self.query)[0]


@dataclass(frozen=True, slots=True, eq=False)
class RankedGrades:
    """What a run made of the judgments, for q queries.

    Attributes
    ----------
    query_ids
        ``(q,)`` the averaged queries: those of the qrels with any grade above 0.
    found
        The judged documents of the run's lists.
    ideal
        All judged documents, by grade descending.
    retrieved
        ``(q,)`` length of each list; 0 for a query that the run lacks.
    """

    query_ids: tuple[str, ...]
    found: Placed
    ideal: Placed
    retrieved: Ints

    def __len__(self) -> int:
        """Return the number of queries."""
        return len(self.query_ids)


def rank_grades(run: Run, qrels: Qrels, deepest: int | None = None) -> RankedGrades:
    """Find the judged documents of every list, once, for all metrics; no further down than `deepest`."""
    query_ids = qrels.answerable
    judged = [qrels.of(query_id) for query_id in query_ids]
    starts, stops = run.spans(query_ids)
    ends = stops if deepest is None else np.minimum(stops, starts + deepest)
    # Flat lists of numbers: one list a query would have Python's collector walk over the run.
    places: list[int] = []
    grades: list[int] = []
    sizes: list[int] = []
    for grade_of, start, end in zip(judged, starts.tolist(), ends.tolist(), strict=True):
        docs = run.doc_ids[start:end]
        held = list(compress(count(), map(grade_of.__contains__, docs)))
        places += held
        grades += [grade_of[docs[place]] for place in held]
        sizes.append(len(held))
    query = np.repeat(np.arange(len(sizes)), sizes)
    found = _alone(query, np.array(places, dtype=np.int64) + 1, np.array(grades, dtype=np.int64))
    return RankedGrades(query_ids, found, _ideal(judged), stops - starts)


def with_ties(ranked: RankedGrades, run: Run) -> RankedGrades:
    """Return the same with the places that ties leave open; `ranked` has to reach to the end of the lists."""
    found = ranked.found
    first = np.zeros(len(run) + 1, dtype=np.bool_)
    first[1:-1] = np.diff(run.scores) != 0
    first[run.offsets] = True
    edges = np.flatnonzero(first)
    starts = run.spans(ranked.query_ids)[0][found.query]
    stretch = np.searchsorted(edges, starts + found.place - 1, side="right") - 1
    above = edges[stretch] - starts
    return replace(ranked, found=replace(found, above=above, tied=edges[stretch + 1] - edges[stretch]))


def condensed(ranked: RankedGrades) -> RankedGrades:
    """Return the lists without their unjudged documents (Sakai, "Alternatives to Bpref", SIGIR 2007)."""
    found = ranked.found
    place = found.ordinal()
    first, held = found.stretch()
    kept = replace(found, place=place, above=place[first] - 1, tied=held)
    return replace(ranked, found=kept, retrieved=np.bincount(found.query, minlength=len(ranked)))


def regraded(ranked: RankedGrades, grade_of: Mapping[int, int]) -> RankedGrades:
    """Return the same with other grades; those that the mapping lacks stay."""

    def changed(grades: Ints) -> Ints:
        return np.fromiter(map(grade_of.get, grades.tolist(), grades.tolist()), np.int64, len(grades))

    found, ideal = ranked.found, ranked.ideal
    return replace(
        ranked,
        found=replace(found, grade=changed(found.grade)),
        ideal=_best_first(ideal.query, changed(ideal.grade)),
    )


def with_more(ranked: RankedGrades, query: Ints, place: Ints, grade: int) -> RankedGrades:
    """Return the same as if more documents of the lists, ``(n,)`` each, had been judged, and given this grade."""
    found, ideal, grades = ranked.found, ranked.ideal, np.full(len(query), grade)
    columns = (found.query, query), (found.place, place), (found.grade, grades)
    queries, places, given = (np.concatenate(column) for column in columns)
    order = np.lexsort((places, queries))
    return replace(
        ranked,
        found=_alone(queries[order], places[order], given[order]),
        ideal=_best_first(np.concatenate((ideal.query, query)), np.concatenate((ideal.grade, grades))),
    )


def _ideal(judged: list[Mapping[str, int]]) -> Placed:
    query = np.repeat(np.arange(len(judged)), [len(one) for one in judged])
    grades = chain.from_iterable(one.values() for one in judged)
    return _best_first(query, np.fromiter(grades, dtype=np.int64, count=len(query)))


def _best_first(query: Ints, grade: Ints) -> Placed:
    order = np.lexsort((-grade, query))
    place = np.arange(1, len(query) + 1) - _runs_of_equals(query[order])[0]
    return _alone(query[order], place, grade[order])


def _alone(query: Ints, place: Ints, grade: Ints) -> Placed:
    return Placed(query, place, grade, place - 1, np.ones_like(place))


def _runs_of_equals(*columns: Ints) -> tuple[Ints, Ints]:
    """Return ``(h,)`` the first row of the stretch of equal rows that each row is in, and its length."""
    length = len(columns[0])
    edge = np.ones(length + 1, dtype=np.bool_)
    if length:
        edge[1:-1] = np.any([np.diff(column) != 0 for column in columns], axis=0)
    edges = np.flatnonzero(edge)
    sizes = np.diff(edges)
    return np.repeat(edges[:-1], sizes), np.repeat(sizes, sizes)
