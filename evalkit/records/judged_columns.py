"""Judgments in columns: what metrics compute with, and what a file of millions of rows is kept as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, compress

import numpy as np
from numpy.typing import NDArray

from evalkit.records.distinct_names import Names

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class JudgedColumns:
    """Judgments, grouped by query, each pair once.

    Attributes
    ----------
    query_ids
        ``(q,)`` unique query identifiers.
    offsets
        ``(q + 1,)`` row offsets: rows ``offsets[i]:offsets[i + 1]`` belong to query ``i``.
    doc_names
        ``(n,)`` distinct documents.
    doc_codes
        ``(j,)`` document of each row: its place in `doc_names`.
    grades
        ``(j,)`` grade of each row.
    """

    query_ids: tuple[str, ...]
    offsets: Ints
    doc_names: Names
    doc_codes: Ints
    grades: Ints
    _averaged: JudgedColumns | None = field(default=None, init=False, repr=False)
    _sorted_pairs: tuple[Ints, Ints] | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, grades: Mapping[str, Mapping[str, int]]) -> JudgedColumns:
        """Return judgments by query and document as columns."""
        if isinstance(grades, GradesByQuery):
            return grades.columns
        lengths = [len(docs) for docs in grades.values()]
        offsets = np.cumsum([0, *lengths], dtype=np.int64)
        doc_names, doc_codes = Names.of_rows([*chain.from_iterable(grades.values())])
        of_rows = chain.from_iterable(docs.values() for docs in grades.values())
        return cls(
            tuple(grades), offsets, doc_names, doc_codes, np.fromiter(of_rows, np.int64, int(offsets[-1]))
        )

    @property
    def owners(self) -> Ints:
        """``(j,)`` query of each row: its place in `query_ids`."""
        return np.repeat(np.arange(len(self.query_ids)), np.diff(self.offsets))

    @property
    def have_relevant(self) -> NDArray[np.bool_]:
        """``(q,)`` whether a grade of the query is above 0."""
        return np.bincount(self.owners[self.grades > 0], minlength=len(self.query_ids)) > 0

    @property
    def averaged(self) -> JudgedColumns:
        """The judgments of the queries that have a relevant document: means are over these."""
        if self._averaged is None:
            object.__setattr__(self, "_averaged", self._where(self.have_relevant))
        return self._averaged  # type: ignore[return-value]

    def _where(self, kept: NDArray[np.bool_]) -> JudgedColumns:
        """Return the judgments of some queries."""
        if kept.all():
            return self
        lengths = np.diff(self.offsets)
        rows = np.repeat(kept, lengths)
        return JudgedColumns(
            tuple(compress(self.query_ids, kept.tolist())),
            np.cumsum([0, *lengths[kept]], dtype=np.int64),
            self.doc_names,
            self.doc_codes[rows],
            self.grades[rows],
        )

    def find(self, query: Ints, code: Ints) -> Ints:
        """Return the ``(n,)`` row of each pair of a query's place and a document's code; -1 if it is not judged."""
        if self._sorted_pairs is None:
            pairs = self.owners * len(self.doc_names) + self.doc_codes
            order = np.argsort(pairs, kind="stable")
            object.__setattr__(self, "_sorted_pairs", (pairs[order], order))
        pairs, order = self._sorted_pairs  # type: ignore[misc]
        if not len(pairs):
            return np.full(len(query), -1)
        wanted = query * len(self.doc_names) + code
        place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
        return np.where(pairs[place] == wanted, order[place], -1)


class GradesByQuery(Mapping[str, Mapping[str, int]]):
    """Columns of judgments as a mapping: query id -> document id -> grade. A query is decoded when it is asked for."""

    __slots__ = ("_found", "_row", "columns")

    def __init__(self, columns: JudgedColumns) -> None:
        self.columns = columns
        self._row = {query_id: row for row, query_id in enumerate(columns.query_ids)}
        self._found: dict[str, dict[str, int]] = {}

    def __getitem__(self, query_id: str) -> dict[str, int]:
        found = self._found.get(query_id)
        if found is None:
            row, columns = self._row[query_id], self.columns
            start, stop = columns.offsets[row], columns.offsets[row + 1]
            docs = map(columns.doc_names.texts.__getitem__, columns.doc_codes[start:stop].tolist())
            found = self._found[query_id] = dict(zip(docs, columns.grades[start:stop].tolist(), strict=True))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns.query_ids)

    def __len__(self) -> int:
        return len(self.columns.query_ids)

    def __contains__(self, query_id: object) -> bool:
        return query_id in self._row

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type[GradesByQuery], tuple[JudgedColumns]]:
        return GradesByQuery, (self.columns,)
