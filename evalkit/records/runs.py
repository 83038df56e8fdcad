"""A ranked list per query, in the one total order that evalkit uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DataFormatError


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A ranked list per query (the TREC sense), under a tag.

    Rows of one query stand together, by score descending as float64, then by doc_id descending:
    trec_eval's order (``form_res_rels.c``), applied here and nowhere else.

    Attributes
    ----------
    tag
        Name of the system that made the run.
    query_ids
        ``(q,)`` each query once.
    offsets
        ``(q + 1,)`` rows ``offsets[i]:offsets[i + 1]`` belong to query ``i``.
    doc_ids, scores
        ``(r,)`` the rows.
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
        values = np.asarray(scores, dtype=np.float64) + 0.0  # -0.0 equals 0.0, and becomes it
        position = {query_id: row for row, query_id in enumerate(dict.fromkeys(query_ids))}
        owner = np.fromiter(map(position.__getitem__, query_ids), dtype=np.int64, count=len(query_ids))
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise DataFormatError(
                f"query {query_ids[row]!r}, document {doc_ids[row]!r} has the score {values[row]}",
                "a score must be a finite number",
            )
        counts = np.bincount(owner, minlength=len(position))
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        docs = list(doc_ids)
        if not _in_order(owner, values):
            order = np.lexsort((-values, owner))
            docs = np.array(docs, dtype=object)[order].tolist()
            owner, values = owner[order], values[order]
        _break_ties(docs, owner, values)
        run = cls(tag, tuple(position), offsets, tuple(docs), values)
        run._refuse_duplicates()
        return run

    def _refuse_duplicates(self) -> None:
        for query_id, docs, _ in self:
            if len(set(docs)) != len(docs):
                seen: set[str] = set()
                twice = next(d for d in docs if d in seen or seen.add(d))  # type: ignore[func-returns-value]
                raise DataFormatError(
                    f"query {query_id!r} lists document {twice!r} twice", "keep one row for each pair"
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
        """Return the documents of one query, best first; empty where the run lacks the query."""
        index = self._index.get(query_id)
        return () if index is None else self.doc_ids[self.offsets[index] : self.offsets[index + 1]]

    def spans(self, query_ids: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return ``(n,)`` the first row of each query and the one after its last; 0 and 0 where the run lacks it."""
        row = np.array([self._index.get(query_id, -1) for query_id in query_ids], dtype=np.int64)
        known = row >= 0
        return np.where(known, self.offsets[row], 0), np.where(known, self.offsets[row + 1], 0)

    def where(self, keep: NDArray[np.bool_]) -> Run:
        """Return the run with some of its rows; queries that are left without any are gone.

        Parameters
        ----------
        keep
            ``(r,)`` whether a row stays.
        """
        owner = np.repeat(np.arange(len(self.query_ids)), np.diff(self.offsets))
        counts = np.bincount(owner[keep], minlength=len(self.query_ids))
        left = np.flatnonzero(counts)
        offsets = np.concatenate(([0], np.cumsum(counts[left]))).astype(np.int64)
        return Run(
            self.tag,
            tuple(self.query_ids[i] for i in left),
            offsets,
            tuple(compress(self.doc_ids, keep.tolist())),
            self.scores[keep],
        )

    def cut(self, depth: int) -> Run:
        """Return the run with at most `depth` documents per query."""
        lengths = np.minimum(np.diff(self.offsets), depth)
        places = np.arange(len(self)) - np.repeat(self.offsets[:-1], np.diff(self.offsets))
        keep = places < depth
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        doc_ids = tuple(compress(self.doc_ids, keep.tolist()))
        return Run(self.tag, self.query_ids, offsets, doc_ids, self.scores[keep])


def _in_order(owner: NDArray[np.int64], scores: NDArray[np.float64]) -> bool:
    """Return whether rows stand by query and score already, as those of most files do."""
    step = np.diff(owner)
    return bool(((step > 0) | ((step == 0) & (np.diff(scores) <= 0))).all())


def _break_ties(docs: list[str], owner: NDArray[np.int64], scores: NDArray[np.float64]) -> None:
    """Put documents of one query and score, which stand together, by doc_id descending."""
    tied = (np.diff(owner) == 0) & (np.diff(scores) == 0)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], tied, [False])).astype(np.int8))).tolist()
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        docs[start : stop + 1] = sorted(docs[start : stop + 1], reverse=True)
