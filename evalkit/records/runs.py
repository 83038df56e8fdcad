"""A ranked list per query, in the single total order that evalkit uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DataFormatError


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A run in the TREC sense: a ranked list per query, with a tag.

    Rows are grouped by query and sorted by score (float64), then by doc_id, both descending. This is trec_eval's order
    (``form_res_rels.c``); no other module sorts rankings.

    Attributes
    ----------
    tag
        Name of the system that produced the run.
    query_ids
        ``(q,)`` unique query identifiers.
    offsets
        ``(q + 1,)`` row offsets: rows ``offsets[i]:offsets[i + 1]`` belong to query ``i``.
    doc_ids, scores
        ``(r,)`` document and score of each row.
    """

    tag: str
    query_ids: tuple[str, ...]
    offsets: NDArray[np.int64]
    doc_ids: tuple[str, ...]
    scores: NDArray[np.float64]
    _index: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", {q: i for i, q in enumerate(self.query_ids)})

    @classmethod
    def from_rows(
        cls,
        tag: str,
        query_ids: Sequence[str],
        doc_ids: Sequence[str],
        scores: Sequence[float] | NDArray[np.float64],
    ) -> Run:
        """Build from parallel columns in any order.

        Parameters
        ----------
        tag
            Name of the system.
        query_ids, doc_ids, scores
            ``(r,)`` one row per scored document. Queries keep the order of their first row.

        Raises
        ------
        DataFormatError
            If a score is not finite, or a query lists a document twice.
        """
        values = np.asarray(scores, dtype=np.float64) + 0.0  # turns -0.0 into 0.0
        position = {query_id: row for row, query_id in enumerate(dict.fromkeys(query_ids))}
        owner = np.fromiter(map(position.__getitem__, query_ids), dtype=np.int64, count=len(query_ids))
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise DataFormatError(
                f"query {query_ids[row]!r}, document {doc_ids[row]!r} has the score {values[row]}",
                "replace it by a finite number",
            )
        counts = np.bincount(owner, minlength=len(position))
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        docs = list(doc_ids)
        if not _is_sorted(owner, values):
            order = np.lexsort((-values, owner))
            docs = np.array(docs, dtype=object)[order].tolist()
            owner, values = owner[order], values[order]
        _break_ties(docs, owner, values)
        run = cls(tag, tuple(position), offsets, tuple(docs), values)
        run._check_unique()
        return run

    def _check_unique(self) -> None:
        for query_id, docs, _ in self:
            if len(set(docs)) != len(docs):
                seen: set[str] = set()
                repeated = next(d for d in docs if d in seen or seen.add(d))  # type: ignore[func-returns-value]
                raise DataFormatError(
                    f"query {query_id!r} lists document {repeated!r} twice", "keep one row for each pair"
                )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.doc_ids)

    def __iter__(self) -> Iterator[tuple[str, tuple[str, ...], NDArray[np.float64]]]:
        """Yield ``(query_id, doc_ids, scores)`` per query, best first."""
        for index, query_id in enumerate(self.query_ids):
            start, stop = self.offsets[index], self.offsets[index + 1]
            yield query_id, self.doc_ids[start:stop], self.scores[start:stop]

    def docs(self, query_id: str) -> tuple[str, ...]:
        """Return the documents of one query, best first; empty if the run lacks the query."""
        index = self._index.get(query_id)
        return () if index is None else self.doc_ids[self.offsets[index] : self.offsets[index + 1]]

    def spans(self, query_ids: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return ``(n,)`` first rows and ``(n,)`` end rows (exclusive) of queries; both 0 if the run lacks a query."""
        row = np.array([self._index.get(query_id, -1) for query_id in query_ids], dtype=np.int64)
        known = row >= 0
        return np.where(known, self.offsets[row], 0), np.where(known, self.offsets[row + 1], 0)

    def where(self, keep: NDArray[np.bool_]) -> Run:
        """Return the run with the selected rows only; queries without a selected row are removed.

        Parameters
        ----------
        keep
            ``(r,)`` whether to keep the row.
        """
        owner = np.repeat(np.arange(len(self.query_ids)), np.diff(self.offsets))
        counts = np.bincount(owner[keep], minlength=len(self.query_ids))
        remaining = np.flatnonzero(counts)
        offsets = np.concatenate(([0], np.cumsum(counts[remaining]))).astype(np.int64)
        return Run(
            self.tag,
            tuple(self.query_ids[i] for i in remaining),
            offsets,
            tuple(compress(self.doc_ids, keep.tolist())),
            self.scores[keep],
        )

    def without(self, excluded: Mapping[str, frozenset[str]]) -> Run:
        """Return the run without some documents of some queries: query id -> document ids."""
        if excluded.keys().isdisjoint(self.query_ids):
            return self
        none: frozenset[str] = frozenset()
        rows = [doc_id not in excluded.get(query_id, none) for query_id, docs, _ in self for doc_id in docs]
        return self.where(np.array(rows, dtype=np.bool_))

    def restricted_to(self, query_ids: Iterable[str]) -> Run:
        """Return the run with the given queries only."""
        wanted = frozenset(query_ids)
        selected = np.array([query_id in wanted for query_id in self.query_ids], dtype=np.bool_)
        return self.where(np.repeat(selected, np.diff(self.offsets)))

    def cut(self, depth: int) -> Run:
        """Return the run with at most `depth` documents per query."""
        lengths = np.minimum(np.diff(self.offsets), depth)
        ranks = np.arange(len(self)) - np.repeat(self.offsets[:-1], np.diff(self.offsets))
        keep = ranks < depth
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        doc_ids = tuple(compress(self.doc_ids, keep.tolist()))
        return Run(self.tag, self.query_ids, offsets, doc_ids, self.scores[keep])


def _is_sorted(owner: NDArray[np.int64], scores: NDArray[np.float64]) -> bool:
    """Return whether rows are already sorted by query and descending score, as in most files."""
    step = np.diff(owner)
    return bool(((step > 0) | ((step == 0) & (np.diff(scores) <= 0))).all())


def _break_ties(docs: list[str], owner: NDArray[np.int64], scores: NDArray[np.float64]) -> None:
    """Sort the documents of each group of adjacent rows with equal query and score by doc_id, descending, in place."""
    tied = (np.diff(owner) == 0) & (np.diff(scores) == 0)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], tied, [False])).astype(np.int8))).tolist()
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        docs[start : stop + 1] = sorted(docs[start : stop + 1], reverse=True)
