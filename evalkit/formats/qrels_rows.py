"""Collect the rows of judgments: blocks of ordinary lines as columns, and single rows that were read with care."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DataFormatError
from evalkit.formats.arrow_names import MOST_SINGLE, Codes, names_and_codes, numbers, text_array
from evalkit.formats.ordinary_rows import Kind, ordinary_rows
from evalkit.formats.qrels_layouts import WITHOUT_MEANING, QrelsLayout
from evalkit.formats.text_files import Block
from evalkit.records import Grades, GradesByQuery, JudgedColumns, Names, Qrels, grade_column, grade_text

if TYPE_CHECKING:
    import pyarrow as pa

Ints = NDArray[np.int64]
Codes32 = NDArray[np.int32]
_KINDS: dict[int, dict[str, Kind]] = {
    3: {"query_id": "name", "doc_id": "id", "grade": "number"},
    4: {"query_id": "name", "iteration": "name", "doc_id": "id", "grade": "number"},
}
"""Number of columns -> what they hold."""
_ROUND = re.compile(r"\d*\.\d+")
"""A round of judging, as in TREC-COVID's qrels: subtopics have whole numbers or names."""


def ordinary_judgments(block: Block, layout: QrelsLayout, highest_grade: int) -> pa.Table | None:
    """Return the rows of a block of lines; None if one of the lines needs care."""
    kinds = _KINDS.get(layout.width)
    if kinds is None or (layout.table and b"\t" not in block.data):
        return None
    table = ordinary_rows(block, kinds)
    if table is None:
        return None
    grades = numbers(table["grade"])
    # A grade that is not a number is neither above nor below another.
    usual = np.abs(grades) <= highest_grade
    return table if usual.all() else None


@dataclass(slots=True)
class QrelsRows:
    """The rows so far.

    Attributes
    ----------
    commented
        Numbers of the lines that are comments though they have the columns of a judgment.
    """

    commented: list[int] = field(default_factory=list)
    _queries: Codes = field(default_factory=Codes)
    _iterations: Codes = field(default_factory=Codes)
    _parts: list[tuple[Codes32, Codes32, Grades]] = field(default_factory=list)
    """Query, iteration and grade of the rows of each block."""
    _docs: list[pa.Array] = field(default_factory=list)
    _single: list[tuple[str, str, str, float]] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Return whether there is a row."""
        return bool(self._single or self._parts)

    def grades(self) -> set[float]:
        """Return the different grades."""
        self._flush()
        return {grade for _, _, grades in self._parts for grade in np.unique(grades).tolist()}

    def add_row(self, query_id: str, iteration: str, doc_id: str, grade: float) -> None:
        """Add a row."""
        self._single.append((query_id, iteration, doc_id, grade))
        if len(self._single) >= MOST_SINGLE:
            self._flush()

    def add_table(self, table: pa.Table) -> None:
        """Add the rows of a block of lines."""
        self._flush()
        grades = numbers(table["grade"])
        iterations = (
            self._iterations.of_column(table["iteration"])
            if "iteration" in table.column_names
            else np.repeat(self._iterations.of([""]), len(grades))
        )
        owners = self._queries.of_column(table["query_id"])
        self._parts.append((owners, iterations, grade_column(grades)))
        self._docs += table["doc_id"].chunks

    def _flush(self) -> None:
        """Turn the rows that were added one by one into columns."""
        if self._single:
            query_ids, iterations, doc_ids, grades = zip(*self._single, strict=True)
            self._single.clear()
            self._parts.append(
                (self._queries.of(query_ids), self._iterations.of(iterations), grade_column(grades))
            )
            self._docs.append(text_array(doc_ids))

    def as_qrels(self, highest_grade: int, *, by_subtopic: bool) -> Qrels:
        """Return the judgments.

        Parameters
        ----------
        highest_grade
            Largest absolute value of a grade.
        by_subtopic
            Whether the file says that iterations are subtopics; they also are if a query has several, unless these are
            rounds.

        Raises
        ------
        DataFormatError
            If a pair has two different grades (for one subtopic).
        """
        self._flush()
        if not self._parts:
            return Qrels({})
        owners, iterations, grades = zip(*self._parts, strict=True)
        owner, iteration = (np.concatenate(column, dtype=np.int64) for column in (owners, iterations))
        grade: Grades = np.concatenate(grades)
        doc_names, doc_codes = names_and_codes(self._docs)
        doc = doc_codes.astype(np.int64)
        if by_subtopic or self._have_subtopics(owner, iteration):
            queries, subtopics = self._queries.names, self._iterations.names
            rows = zip(owner.tolist(), iteration.tolist(), doc.tolist(), grade.tolist(), strict=True)
            return Qrels.from_subtopic_rows(
                ((queries[q], subtopics[s], doc_names[d], g) for q, s, d, g in rows), highest_grade
            )
        return Qrels(GradesByQuery(_columns(self._queries.names, owner, doc_names, doc, grade)))

    def _have_subtopics(self, owner: Ints, iteration: Ints) -> bool:
        """Return whether the iteration column holds subtopics: a query has several values that are no rounds."""
        _, first = np.unique(owner, return_index=True)
        values = self._iterations.names
        return (
            bool((iteration != iteration[first][owner]).any())
            and not WITHOUT_MEANING.issuperset(values)
            and not any(map(_ROUND.fullmatch, values))
        )


def _columns(
    query_ids: tuple[str, ...], owner: Ints, doc_names: Names, doc: Ints, grade: Grades
) -> JudgedColumns:
    """Return the columns of rows in any order.

    Raises
    ------
    DataFormatError
        If a pair has two different grades.
    """
    _, first, pair = np.unique(owner * len(doc_names) + doc, return_index=True, return_inverse=True)
    wrong = np.flatnonzero(grade != grade[first][pair])
    if len(wrong):
        row = wrong[0]
        raise DataFormatError(
            f"query {query_ids[owner[row]]!r}, document {doc_names[doc[row]]!r} has two grades:"
            f" {grade_text(grade[first[pair[row]]])} and {grade_text(grade[row])}",
            "keep one judgment for each pair",
        )
    rows = np.sort(first)
    rows = rows[np.argsort(owner[rows], kind="stable")]
    offsets = np.concatenate(([0], np.cumsum(np.bincount(owner[rows], minlength=len(query_ids)))))
    return JudgedColumns(query_ids, offsets.astype(np.int64), doc_names, doc[rows], grade[rows])
