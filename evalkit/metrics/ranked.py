"""A run as its judgments describe it: the columns that the values of all metrics are computed from.

Only judged documents have a row. A list of a thousand documents has few of them, so the cost of a metric depends on
the number of judgments and not on the length of the lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Grades, Qrels, Run, grade_column
from evalkit.records.runs import query_parts

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Judged documents in their lists: h rows, ordered by query and place.

    Attributes
    ----------
    query
        ``(h,)`` row of the query, ascending.
    place
        ``(h,)`` place in the query's list, from 1; ascending within a query.
    grade
        ``(h,)``.
    above, tied
        ``(h,)`` number of documents above the document's tie, and number of documents in the tie: it may take the
        places ``above + 1`` to ``above + tied``. Every document is a tie of its own until `with_ties` sets these.
    """

    query: Ints
    place: Ints
    grade: Grades
    above: Ints
    tied: Ints

    def only(self, rows: NDArray[np.bool_] | Ints) -> Placed:
        """Return some of the rows, or all of them in another order."""
        return Placed(self.query[rows], self.place[rows], self.grade[rows], self.above[rows], self.tied[rows])

    def within(self, cutoff: int | None) -> Placed:
        """Return the rows down to a cutoff."""
        return self if cutoff is None else self.only(self.place <= cutoff)

    def groups(self) -> tuple[Ints, Ints]:
        """Return the ``(h,)`` first row with the same query and tie, and the number of rows with these."""
        return _runs_of_equals(self.query, self.above)

    def ordinal(self) -> Ints:
        """Return the ``(h,)`` number of each row within its query, from 1."""
        return np.arange(1, len(self.query) + 1) - _runs_of_equals(self.query)[0]


@dataclass(frozen=True, slots=True, eq=False)
class JudgedLengths:
    """All judged documents with their lengths, for the best list that a budget of tokens allows.

    Attributes
    ----------
    query, grade
        ``(j,)`` row of the query, and grade.
    tokens
        ``(j,)`` tokens; -1 where unknown.
    budget
        Tokens of a whole list.
    """

    query: Ints
    grade: Grades
    tokens: Ints
    budget: int


@dataclass(frozen=True, slots=True, eq=False)
class RankedGrades:
    """The judged documents of a run, for q queries.

    Attributes
    ----------
    query_ids
        ``(q,)`` the averaged queries: those of the qrels with any grade above 0.
    found
        The judged documents of the run's lists.
    ideal
        All judged documents, by grade descending.
    retrieved
        ``(q,)`` length of each list; 0 for a query that is not in the run.
    lengths
        Set where the lists end at a budget of tokens; the ideal list then does, too.
    """

    query_ids: tuple[str, ...]
    found: Placed
    ideal: Placed
    retrieved: Ints
    lengths: JudgedLengths | None = None

    def __len__(self) -> int:
        """Return the number of queries."""
        return len(self.query_ids)


def rank_grades(run: Run, qrels: Qrels, deepest: int | None = None) -> RankedGrades:
    """Return the judged documents of every list, computed once for all metrics; none below the place `deepest`."""
    judged = qrels.columns.averaged
    starts, stops = run.spans(judged.query_ids)
    retrieved = stops - starts
    lengths = retrieved if deepest is None else np.minimum(retrieved, deepest)
    offsets = np.concatenate(([0], lengths.cumsum()))
    codes = judged.doc_names.codes_of(run.doc_names)
    none = np.empty(0, np.int64)
    parts: list[tuple[Ints, Ints, Grades]] = [(none, none, none)]
    # Some queries at a time: columns of all rows would take several times the memory of the run.
    for part in query_parts(offsets):
        query = np.repeat(np.arange(part.start, part.stop), lengths[part.start : part.stop])
        rows = np.arange(offsets[part.start], offsets[part.stop]) + (starts - offsets[:-1])[query]
        row = judged.find(query, codes[run.doc_codes[rows]])
        listed = np.flatnonzero(row >= 0)
        query = query[listed]
        parts.append((query, rows[listed] - starts[query] + 1, judged.grades[row[listed]]))
    found = _untied(*map(np.concatenate, zip(*parts, strict=True)))
    return RankedGrades(judged.query_ids, found, _best_first(judged.owners, judged.grades), retrieved)


def with_ties(ranked: RankedGrades, run: Run) -> RankedGrades:
    """Return the same with the ties of the run's scores; `ranked` must hold the whole lists."""
    found = ranked.found
    first = np.zeros(len(run) + 1, dtype=np.bool_)
    first[1:-1] = np.diff(run.scores) != 0
    first[run.offsets] = True
    edges = np.flatnonzero(first)
    starts = run.spans(ranked.query_ids)[0][found.query]
    tie = np.searchsorted(edges, starts + found.place - 1, side="right") - 1
    above = edges[tie] - starts
    return replace(ranked, found=replace(found, above=above, tied=edges[tie + 1] - edges[tie]))


def condensed(ranked: RankedGrades) -> RankedGrades:
    """Return the lists without their unjudged documents (Sakai, "Alternatives to Bpref", SIGIR 2007).

    Documents with a grade below 0 are left out, too: they are in the pool without a judgment, as ``-J`` of trec_eval
    has it (``form_res_rels.c``).
    """
    found = ranked.found.only(ranked.found.grade >= 0)
    place = found.ordinal()
    first, sizes = found.groups()
    condensed_found = replace(found, place=place, above=place[first] - 1, tied=sizes)
    retrieved = np.bincount(found.query, minlength=len(ranked))
    return replace(ranked, found=condensed_found, retrieved=retrieved)


def replaced_grades(grades: Grades, grade_of: Mapping[int, int]) -> Grades:
    """Return ``(n,)`` other grades; a grade that is not in the mapping stays."""
    return grade_column([grade_of.get(grade, grade) for grade in grades.tolist()])


def regraded(ranked: RankedGrades, grade_of: Mapping[int, int]) -> RankedGrades:
    """Return the same with other grades; a grade that is not in the mapping stays."""

    def changed(grades: Grades) -> Grades:
        return replaced_grades(grades, grade_of)

    found, ideal, lengths = ranked.found, ranked.ideal, ranked.lengths
    return replace(
        ranked,
        found=replace(found, grade=changed(found.grade)),
        ideal=_best_first(ideal.query, changed(ideal.grade)),
        lengths=replace(lengths, grade=changed(lengths.grade)) if lengths else None,
    )


def queries_at(ranked: RankedGrades, rows: Ints) -> RankedGrades:
    """Return the lists of the queries in ``(n,)`` rows; a query may occur several times."""

    def taken(placed: Placed) -> Placed:
        starts, stops = (np.searchsorted(placed.query, rows, side=side) for side in ("left", "right"))
        lengths = stops - starts
        query = np.repeat(np.arange(len(rows)), lengths)
        chosen = np.arange(len(query)) + np.repeat(starts - (lengths.cumsum() - lengths), lengths)
        return replace(placed.only(chosen), query=query)

    query_ids = tuple([ranked.query_ids[row] for row in rows.tolist()])
    return RankedGrades(query_ids, taken(ranked.found), taken(ranked.ideal), ranked.retrieved[rows])


def with_more_judged(ranked: RankedGrades, query: Ints, place: Ints, grade: float | Grades) -> RankedGrades:
    """Return the same as if ``(n,)`` further documents had been judged; place 0 is that of one outside the list."""
    found, ideal, grades = ranked.found, ranked.ideal, np.broadcast_to(np.asarray(grade), len(query))
    listed = place > 0
    columns = (found.query, query[listed]), (found.place, place[listed]), (found.grade, grades[listed])
    all_queries, all_places, all_grades = (np.concatenate(column) for column in columns)
    order = np.lexsort((all_places, all_queries))
    return replace(
        ranked,
        found=_untied(all_queries[order], all_places[order], all_grades[order]),
        ideal=_best_first(np.concatenate((ideal.query, query)), np.concatenate((ideal.grade, grades))),
    )


def _best_first(query: Ints, grade: Grades) -> Placed:
    order = np.lexsort((-grade, query))
    place = np.arange(1, len(query) + 1) - _runs_of_equals(query[order])[0]
    return _untied(query[order], place, grade[order])


def _untied(query: Ints, place: Ints, grade: Grades) -> Placed:
    """Return rows of which each is a tie of its own."""
    return Placed(query, place, grade, place - 1, np.ones_like(place))


def _runs_of_equals(*columns: Ints) -> tuple[Ints, Ints]:
    """Return the ``(h,)`` first row of the run of equal rows that each row belongs to, and the run's length."""
    length = len(columns[0])
    edge = np.ones(length + 1, dtype=np.bool_)
    if length:
        edge[1:-1] = np.any([np.diff(column) != 0 for column in columns], axis=0)
    edges = np.flatnonzero(edge)
    sizes = np.diff(edges)
    return np.repeat(edges[:-1], sizes), np.repeat(sizes, sizes)
