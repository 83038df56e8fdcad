"""Judgments in columns: what metrics compute with, and what a file of millions of rows is kept as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DataFormatError
from evalkit.records.distinct_names import Names

Ints = NDArray[np.int64]
Grades = NDArray[np.int64 | np.float64]
"""``int64`` where all grades are whole, else ``float64``."""
_MOST_CELLS = 2**24
"""Most endings of the numbers of judged pairs that are kept apart."""


def plain_grade(grade: float) -> int | float:
    """Return a grade as a whole number where it is one, else as a float."""
    return int(grade) if grade == int(grade) else float(grade)


def grade_text(grade: float) -> str:
    """Return a grade as text that is read back exactly: ``2`` or ``1.75``, with the fewest decimals.

    It is never in scientific notation, which other tools do not read as a grade.
    """
    plain = plain_grade(grade)
    return str(plain) if isinstance(plain, int) else np.format_float_positional(plain, trim="-")


def shown_grade(grade: float) -> str:
    """Return a grade for people, with at most four digits: 1.667 for the average of three raters."""
    return str(plain_grade(grade)) if grade == int(grade) else f"{grade:.4g}"


def grade_column(grades: Sequence[float] | NDArray[Any]) -> Grades:
    """Return ``(n,)`` grades as int64 if all are whole, else as float64.

    Raises
    ------
    DataFormatError
        If a grade is not finite.
    """
    found = np.asarray(grades)
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise DataFormatError("a grade is not a finite number", "leave the pair out if its grade is unknown")
    if found.dtype.kind == "f" and not (found == np.trunc(found)).all():
        return found.astype(np.float64, copy=False)
    return found.astype(np.int64, copy=False)


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
        ``(j,)`` grade of each row: whole numbers, or float64 if any of them is fractional.
    """

    query_ids: tuple[str, ...]
    offsets: Ints
    doc_names: Names
    doc_codes: Ints
    grades: Grades
    _averaged: JudgedColumns | None = field(default=None, init=False, repr=False)
    _sorted_pairs: _SortedPairs | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, grades: Mapping[str, Mapping[str, float]]) -> JudgedColumns:
        """Return judgments by query and document as columns."""
        if isinstance(grades, GradesByQuery):
            return grades.columns
        lengths = [len(docs) for docs in grades.values()]
        offsets = np.cumsum([0, *lengths], dtype=np.int64)
        doc_names, doc_codes = Names.of_rows([*chain.from_iterable(grades.values())])
        of_rows = grade_column([*chain.from_iterable(docs.values() for docs in grades.values())])
        return cls(tuple(grades), offsets, doc_names, doc_codes, of_rows)

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
        """Return the ``(n,)`` row of each pair of a query's place and a document's code; -1 if it is not judged.

        A place or a code of -1 is that of a query or a document that has no judgment.
        """
        if self._sorted_pairs is None:
            object.__setattr__(self, "_sorted_pairs", _SortedPairs.of(self))
        return self._sorted_pairs.find(query, code)  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True, eq=False)
class _SortedPairs:
    """Judged pairs of a query and a document, each as one number.

    Attributes
    ----------
    width
        The number of a pair is ``query * width + code``. It is odd, so that the last bits depend on both, and above
        the number of documents, so that no pair has the number of a code of -1.
    pairs, rows
        ``(j,)`` the numbers, ascending, and the row of each.
    last_bits
        ``(2**b,)`` whether a pair ends with these bits: most documents are unjudged, and this rules them out.
    """

    width: int
    pairs: Ints
    rows: Ints
    last_bits: NDArray[np.bool_]

    @classmethod
    def of(cls, columns: JudgedColumns) -> _SortedPairs:
        """Return the pairs of all rows."""
        width = (len(columns.doc_names) + 1) | 1
        pairs = columns.owners * width + columns.doc_codes
        rows = np.argsort(pairs, kind="stable")
        last_bits = np.zeros(min(1 << (16 * len(pairs)).bit_length(), _MOST_CELLS), dtype=np.bool_)
        last_bits[pairs & (len(last_bits) - 1)] = True
        return cls(width, pairs[rows], rows, last_bits)

    def find(self, query: Ints, code: Ints) -> Ints:
        """Return the ``(n,)`` row of each pair; see `JudgedColumns.find`."""
        wanted = query * self.width + code
        found = np.full(len(wanted), -1)
        likely = np.flatnonzero(self.last_bits[wanted & (len(self.last_bits) - 1)])
        if len(likely):
            wanted = wanted[likely]
            place = np.minimum(np.searchsorted(self.pairs, wanted), len(self.pairs) - 1)
            judged = self.pairs[place] == wanted
            found[likely[judged]] = self.rows[place[judged]]
        return found


class GradesByQuery(Mapping[str, Mapping[str, float]]):
    """Columns of judgments as a mapping: query id -> document id -> grade. A query is decoded when it is asked for."""

    __slots__ = ("_found", "_row", "columns")

    def __init__(self, columns: JudgedColumns) -> None:
        self.columns = columns
        self._row = {query_id: row for row, query_id in enumerate(columns.query_ids)}
        self._found: dict[str, dict[str, float]] = {}

    def __getitem__(self, query_id: str) -> dict[str, float]:
        found = self._found.get(query_id)
        if found is None:
            row, columns = self._row[query_id], self.columns
            start, stop = columns.offsets[row], columns.offsets[row + 1]
            docs = map(columns.doc_names.texts.__getitem__, columns.doc_codes[start:stop].tolist())
            grades: list[float] = columns.grades[start:stop].tolist()
            if columns.grades.dtype.kind == "f":
                grades = [plain_grade(grade) for grade in grades]
            found = self._found[query_id] = dict(zip(docs, grades, strict=True))
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
