"""Collect the rows of a run: blocks of ordinary lines as columns, and single rows that were read with care."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit.formats.arrow_names import (
    MOST_SINGLE,
    Codes,
    names_and_codes,
    numbers,
    text_array,
)
from evalkit.formats.ordinary_rows import Kind, ordinary_rows
from evalkit.formats.text_files import Block
from evalkit.records import Run

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("query_id", "Q0", "doc_id", "rank", "score", "tag")
NO_RANK = -1
"""Stands in for a rank that is no whole number."""
FEW_ROWS = 10
"""So many scores that rise with the rank, without any that falls, are no chance."""
_KINDS: dict[str, Kind] = dict(zip(COLUMNS, ("name", "name", "id", "integer", "number", "name"), strict=True))


class _Numbers:
    """A column to which numbers are added, in one piece of memory: no copy of all of them is made at the end."""

    def __init__(self, kind: type[np.number]) -> None:
        self._kind, self._data = kind, bytearray()

    def add(self, values: NDArray[Any]) -> None:
        self._data += np.ascontiguousarray(values, self._kind).view(np.uint8).data

    def values(self) -> NDArray[Any]:
        return np.frombuffer(self._data, self._kind)


@dataclass(slots=True)
class _LastRow:
    """Where a block ended, for the comparison with the first row of the next one."""

    owner: int = -1
    rank: int = NO_RANK
    score: float = 0.0


def ordinary_run_rows(block: Block) -> pa.Table | None:
    """Return the rows of a block of lines; None if one of the lines needs care."""
    table = ordinary_rows(block, _KINDS)
    return None if table is None or numbers(table["rank"]).min(initial=0) < 0 else table


@dataclass(slots=True)
class RunRows:
    """The rows so far.

    Attributes
    ----------
    tags
        Tag -> number of rows, in the order of the first row of each.
    commented
        Numbers of the lines that are comments though they have the columns of a row.
    """

    tags: Counter[str] = field(default_factory=Counter)
    commented: list[int] = field(default_factory=list)
    _queries: Codes = field(default_factory=Codes)
    _owners: _Numbers = field(default_factory=lambda: _Numbers(np.int32))
    _docs: list[pa.Array] = field(default_factory=list)
    _scores: _Numbers = field(default_factory=lambda: _Numbers(np.float64))
    _single: list[tuple[str, str, int, float]] = field(default_factory=list)
    _rising: int | None = 0
    """Number of scores above that of the rank before; None once one is below."""
    _last: _LastRow = field(default_factory=_LastRow)

    def add_row(self, query_id: str, doc_id: str, rank: int, score: float, tag: str) -> None:
        """Add a row."""
        self._single.append((query_id, doc_id, rank, score))
        self.tags[tag] += 1
        if len(self._single) >= MOST_SINGLE:
            self.flush()

    def add_table(self, table: pa.Table) -> None:
        """Add the rows of a block of lines."""
        self.flush()
        owners = self._queries.of_column(table["query_id"])
        self._add(owners, table["doc_id"].chunks, numbers(table["rank"]), numbers(table["score"]))
        tags = Codes()
        counts = np.bincount(tags.of_column(table["tag"]))
        self.tags.update(dict(zip(tags.names, counts.tolist(), strict=True)))

    def flush(self) -> None:
        """Turn the rows that were added one by one into columns."""
        if not self._single:
            return
        query_ids, doc_ids, ranks, scores = zip(*self._single, strict=True)
        self._single.clear()
        self._add(
            self._queries.of(query_ids),
            [text_array(doc_ids)],
            np.array(ranks, dtype=np.int64),
            np.array(scores, dtype=np.float64),
        )

    def _add(
        self,
        owners: NDArray[np.int32],
        docs: list[Any],
        ranks: NDArray[np.int64],
        scores: NDArray[np.float64],
    ) -> None:
        self._owners.add(owners)
        self._docs += docs
        self._scores.add(scores)
        if self._rising is not None:
            self._look_for_a_rise(owners, ranks, scores)

    def _look_for_a_rise(
        self, owners: NDArray[np.int32], ranks: NDArray[np.int64], scores: NDArray[np.float64]
    ) -> None:
        last = self._last
        owners, ranks = np.append(last.owner, owners), np.append(last.rank, ranks)
        scores = np.append(last.score, scores)
        ranked = (np.diff(owners) == 0) & (ranks[1:] != NO_RANK) & (ranks[:-1] != NO_RANK)
        with np.errstate(invalid="ignore", over="ignore"):  # infinite scores are refused later
            steps = (np.diff(scores) * np.diff(ranks))[ranked]
        self._rising = (
            None if self._rising is None or (steps < 0).any() else self._rising + int((steps > 0).sum())
        )
        self._last = _LastRow(int(owners[-1]), int(ranks[-1]), float(scores[-1]))

    @property
    def rise_with_rank(self) -> bool:
        """Whether each score is higher than that of the rank before it, or equal; False for a few rows."""
        return self._rising is not None and self._rising >= FEW_ROWS

    def as_run(self, tag: str) -> Run:
        """Return the run, and forget the rows.

        Raises
        ------
        DataFormatError
            See `Run.from_codes`.
        """
        doc_names, doc_codes = names_and_codes(self._docs)
        self._docs = []
        owners, scores = self._owners.values(), self._scores.values()
        return Run.from_codes(tag, self._queries.names, owners, doc_names, doc_codes, scores)
