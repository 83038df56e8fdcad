"""The documents of two systems above a cutoff, as numbers: which are unjudged, and in which of the two lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.comparison_set import System
from evalkit.metrics.row_grades import row_grades
from evalkit.records import Grades, Names, Qrels

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of a query and a document.

    Attributes
    ----------
    query, doc
        ``(n,)`` numbers of the query and of the document; see `CountedDocuments`.
    """

    query: Ints
    doc: Ints

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.query)

    def only(self, rows: NDArray[np.bool_] | Ints) -> Pairs:
        """Return some of the pairs, or all of them in another order."""
        return Pairs(self.query[rows], self.doc[rows])


@dataclass(frozen=True, slots=True, eq=False)
class CountedDocuments:
    """The documents above a cutoff of two systems, of the queries that each has values for.

    Attributes
    ----------
    query_ids, doc_names
        Queries and documents of both systems; numbers are places in these.
    first, second
        The documents of each system, by query and place.
    first_judged, second_judged
        ``(n,)`` whether each document is judged.
    first_grades, second_grades
        ``(n,)`` grades; 0 for unjudged documents.
    """

    query_ids: tuple[str, ...]
    doc_names: Names
    first: Pairs
    second: Pairs
    first_judged: NDArray[np.bool_]
    second_judged: NDArray[np.bool_]
    first_grades: Grades
    second_grades: Grades

    @classmethod
    def of(cls, first: System, second: System, qrels: Qrels, cutoff: int) -> CountedDocuments:
        """Return the documents of two systems in the first `cutoff` places."""
        query_ids = tuple(dict.fromkeys((*first.values.query_ids, *second.values.query_ids)))
        names = first.run.doc_names
        if second.run.doc_names is not names:
            names, _ = Names.of_rows([*names, *second.run.doc_names])
        number = {query_id: row for row, query_id in enumerate(query_ids)}

        def counted(system: System) -> tuple[Pairs, NDArray[np.bool_], Grades]:
            run = system.run.cut(cutoff)
            starts, stops = run.spans(system.values.query_ids)
            lengths = stops - starts
            rows = np.arange(lengths.sum()) + np.repeat(starts - (lengths.cumsum() - lengths), lengths)
            queries = np.array([number[query_id] for query_id in system.values.query_ids], dtype=np.int64)
            docs = names.codes_of(run.doc_names)[run.doc_codes[rows]]
            grades, judged = row_grades(run, qrels)
            return Pairs(np.repeat(queries, lengths), docs), judged[rows], grades[rows]

        (pairs, judged, grades), (more_pairs, more_judged, more_grades) = map(counted, (first, second))
        return cls(query_ids, names, pairs, more_pairs, judged, more_judged, grades, more_grades)

    @property
    def unjudged(self) -> tuple[Pairs, Pairs]:
        """The unjudged documents of each system."""
        return self.first.only(~self.first_judged), self.second.only(~self.second_judged)

    def without(self, pairs: Pairs, others: Pairs) -> Pairs:
        """Return the pairs that are not among others."""
        return pairs.only(~np.isin(self._keys(pairs), self._keys(others)))

    @property
    def all_unjudged(self) -> Pairs:
        """The unjudged documents of either system, each once, in the order of their names."""
        first, second = self.unjudged
        more = self.without(second, first)
        return self.by_name(
            Pairs(np.concatenate((first.query, more.query)), np.concatenate((first.doc, more.doc)))
        )

    @property
    def grades_seen(self) -> Grades:
        """``(n,)`` grades of the judged documents of either system, each document once a query."""
        first, second = self.first.only(self.first_judged), self.second.only(self.second_judged)
        new = ~np.isin(self._keys(second), self._keys(first))
        return np.concatenate(
            (self.first_grades[self.first_judged], self.second_grades[self.second_judged][new])
        )

    def by_name(self, pairs: Pairs) -> Pairs:
        """Return the pairs ordered by query id, then by document id."""
        return pairs.only(
            np.lexsort(
                (_name_ranks(self.doc_names, pairs.doc), _name_ranks(Names(self.query_ids), pairs.query))
            )
        )

    def _keys(self, pairs: Pairs) -> Ints:
        return np.asarray(pairs.query * len(self.doc_names) + pairs.doc)


def _name_ranks(names: Names, codes: Ints) -> Ints:
    """Return the ``(n,)`` place of the name of each code among all of these names, in order."""
    distinct, place = np.unique(codes, return_inverse=True)
    texts = [names[code] for code in distinct.tolist()]
    rank = np.empty(len(texts), dtype=np.int64)
    rank[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    return rank[place]
