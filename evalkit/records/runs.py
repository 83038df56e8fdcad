"""A ranked list per query, in the single total order that evalkit uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DataFormatError
from evalkit.records.distinct_names import Names

Ints = NDArray[np.int64]
_ROWS_AT_ONCE = 2**17


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
    doc_names
        ``(n,)`` distinct documents; some of them may have no row.
    doc_codes
        ``(r,)`` document of each row: its place in `doc_names`. It may have a shorter type.
    scores
        ``(r,)`` score of each row.
    """

    tag: str
    query_ids: tuple[str, ...]
    offsets: Ints
    doc_names: Names
    doc_codes: NDArray[np.signedinteger]
    scores: NDArray[np.float64]
    _index: dict[str, int] = field(init=False, repr=False)
    _doc_ids: tuple[str, ...] | None = field(init=False, repr=False, default=None)

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
        queries, owner = Names.of_rows(query_ids)
        doc_names, doc_codes = Names.of_rows(doc_ids)
        return cls.from_codes(
            tag, queries.texts, owner, doc_names, doc_codes, np.asarray(scores, dtype=np.float64)
        )

    @classmethod
    def from_codes(
        cls,
        tag: str,
        query_ids: tuple[str, ...],
        owner: NDArray[np.signedinteger],
        doc_names: Names,
        doc_codes: NDArray[np.signedinteger],
        scores: NDArray[np.float64],
    ) -> Run:
        """Build from parallel columns of numbers, in any order; see `sorted_from_codes`."""
        return cls._sorted(tag, query_ids, owner, doc_names, doc_codes, scores)[0]

    @classmethod
    def sorted_from_codes(
        cls,
        tag: str,
        query_ids: tuple[str, ...],
        owner: NDArray[np.signedinteger],
        doc_names: Names,
        doc_codes: NDArray[np.signedinteger],
        scores: NDArray[np.float64],
    ) -> tuple[Run, Ints]:
        """Build from parallel columns of numbers, in any order, and return the ``(r,)`` column row of each run row.

        Parameters
        ----------
        tag
            Name of the system.
        query_ids
            ``(q,)`` the distinct queries, each with a row at least.
        owner
            ``(r,)`` query of each row: its place in `query_ids`. It may have a shorter type.
        doc_names, doc_codes, scores
            As in `Run`.

        Raises
        ------
        DataFormatError
            If a score is not finite, or a query lists a document twice.
        """
        run, order, tied, by_name = cls._sorted(tag, query_ids, owner, doc_names, doc_codes, scores)
        rows = np.arange(len(run)) if order is None else order
        rows[tied] = rows[by_name]
        return run, rows

    @classmethod
    def _sorted(
        cls,
        tag: str,
        query_ids: tuple[str, ...],
        owner: NDArray[np.signedinteger],
        doc_names: Names,
        doc_codes: NDArray[np.signedinteger],
        scores: NDArray[np.float64],
    ) -> tuple[Run, Ints | None, Ints, Ints]:
        """Return the run, and what gives the column row of each run row: most files need none of it.

        It is an order by query and score, None if rows have it already; then rows with ties, and these by name.
        """
        if (scores == 0).any():
            scores = scores + 0.0  # turns -0.0 into 0.0
        if not np.isfinite(scores).all():
            row = int(np.flatnonzero(~np.isfinite(scores))[0])
            raise DataFormatError(
                f"query {query_ids[owner[row]]!r}, document {doc_names[doc_codes[row]]!r}"
                f" has the score {scores[row]}",
                "replace it by a finite number",
            )
        order: Ints | None = None
        if not _is_sorted(owner, scores):
            order = np.lexsort((-scores, owner))
            owner, doc_codes, scores = owner[order], doc_codes[order], scores[order]
        # Numbers of another type would be compared with a copy of the rows.
        offsets = np.searchsorted(owner, np.arange(len(query_ids) + 1, dtype=owner.dtype))
        tied, by_name = _by_name_where_tied(doc_names, doc_codes, owner, scores)
        if len(tied):
            doc_codes = doc_codes.copy()
            doc_codes[tied] = doc_codes[by_name]
        run = cls(tag, query_ids, offsets, doc_names, doc_codes, scores)
        run._check_unique()
        return run, order, tied, by_name

    @classmethod
    def from_lists(
        cls,
        tag: str,
        query_ids: tuple[str, ...],
        offsets: Ints,
        doc_ids: Sequence[str],
        scores: NDArray[np.float64],
    ) -> Run:
        """Build from rows that have the order of a run already; the parameters are its attributes."""
        return cls(tag, query_ids, offsets, *Names.of_rows(doc_ids), scores)

    def _check_unique(self) -> None:
        # Some queries at a time: the keys of a long file would take as much memory as its rows.
        for part in query_parts(self.offsets):
            offsets = self.offsets[part.start : part.stop + 1]
            kind = np.min_scalar_type(len(part) * len(self.doc_names))  # short numbers are sorted faster
            owners = np.repeat(np.arange(len(part), dtype=kind), np.diff(offsets))
            codes = self.doc_codes[offsets[0] : offsets[-1]].astype(kind)
            pairs = np.sort(owners * kind.type(len(self.doc_names)) + codes)
            repeated = pairs[:-1][pairs[1:] == pairs[:-1]]
            if len(repeated):
                query, doc = divmod(int(repeated[0]), len(self.doc_names))
                raise DataFormatError(
                    f"query {self.query_ids[part.start + query]!r} lists document {self.doc_names[doc]!r} twice",
                    "keep one row for each pair",
                )

    @property
    def doc_ids(self) -> tuple[str, ...]:
        """``(r,)`` document of each row."""
        if self._doc_ids is None:
            texts = self.doc_names.texts
            object.__setattr__(self, "_doc_ids", tuple([texts[code] for code in self.doc_codes.tolist()]))
        return self._doc_ids  # type: ignore[return-value]

    @property
    def owners(self) -> Ints:
        """``(r,)`` query of each row: its place in `query_ids`."""
        return np.repeat(np.arange(len(self.query_ids)), np.diff(self.offsets))

    @property
    def places(self) -> Ints:
        """``(r,)`` place of each row in the list of its query, from 1."""
        return np.arange(1, len(self) + 1) - np.repeat(self.offsets[:-1], np.diff(self.offsets))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.doc_codes)

    def __iter__(self) -> Iterator[tuple[str, tuple[str, ...], NDArray[np.float64]]]:
        """Yield ``(query_id, doc_ids, scores)`` per query, best first."""
        doc_ids = self.doc_ids
        for index, query_id in enumerate(self.query_ids):
            start, stop = self.offsets[index], self.offsets[index + 1]
            yield query_id, doc_ids[start:stop], self.scores[start:stop]

    def docs(self, query_id: str) -> tuple[str, ...]:
        """Return the documents of one query, best first; empty if the run lacks the query."""
        index = self._index.get(query_id)
        if index is None:
            return ()
        start, stop = self.offsets[index], self.offsets[index + 1]
        if self._doc_ids is not None:
            return self._doc_ids[start:stop]
        return tuple(map(self.doc_names.__getitem__, self.doc_codes[start:stop].tolist()))

    def rows_of(self, query_ids: Sequence[str]) -> Ints:
        """Return the ``(n,)`` places of queries in `query_ids` of the run; -1 if it lacks the query."""
        if query_ids == self.query_ids:
            return np.arange(len(query_ids))
        return np.fromiter(map(self._index.get, query_ids, repeat(-1)), np.int64, len(query_ids))

    def spans(self, query_ids: Sequence[str]) -> tuple[Ints, Ints]:
        """Return ``(n,)`` first rows and ``(n,)`` end rows (exclusive) of queries; both 0 if the run lacks a query."""
        row = self.rows_of(query_ids)
        known = row >= 0
        return np.where(known, self.offsets[row], 0), np.where(known, self.offsets[row + 1], 0)

    def where(self, keep: NDArray[np.bool_]) -> Run:
        """Return the run with the selected rows only; queries without a selected row are removed.

        Parameters
        ----------
        keep
            ``(r,)`` whether to keep the row.
        """
        counts = np.bincount(self.owners[keep], minlength=len(self.query_ids))
        remaining = np.flatnonzero(counts)
        return replace(
            self,
            query_ids=tuple(self.query_ids[i] for i in remaining.tolist()),
            offsets=_offsets(counts[remaining]),
            doc_codes=self.doc_codes[keep],
            scores=self.scores[keep],
        )

    def without(self, excluded: Mapping[str, frozenset[str]]) -> Run:
        """Return the run without some documents of some queries: query id -> document ids."""
        if excluded.keys().isdisjoint(self.query_ids):
            return self
        keep = np.ones(len(self), dtype=np.bool_)
        for query_id, docs in excluded.items():
            index = self._index.get(query_id)
            if index is not None:
                start, stop = self.offsets[index], self.offsets[index + 1]
                keep[start:stop] = [doc_id not in docs for doc_id in self.docs(query_id)]
        return self.where(keep)

    def restricted_to(self, query_ids: Iterable[str]) -> Run:
        """Return the run with the given queries only."""
        wanted = frozenset(query_ids)
        selected = np.array([query_id in wanted for query_id in self.query_ids], dtype=np.bool_)
        return self.where(np.repeat(selected, np.diff(self.offsets)))

    def cut(self, depth: int) -> Run:
        """Return the run with at most `depth` documents per query."""
        lengths = np.minimum(np.diff(self.offsets), depth)
        keep = self.places <= depth
        return replace(
            self, offsets=_offsets(lengths), doc_codes=self.doc_codes[keep], scores=self.scores[keep]
        )


def query_parts(offsets: Ints) -> Iterator[range]:
    """Yield ranges of the queries of ``(q + 1,)`` row offsets, of which few have more than `_ROWS_AT_ONCE` rows."""
    firsts = np.searchsorted(offsets, np.arange(0, offsets[-1], _ROWS_AT_ONCE), side="right") - 1
    for first, stop in pairwise([*np.unique(firsts).tolist(), len(offsets) - 1]):
        yield range(first, stop)


def _offsets(lengths: Ints) -> Ints:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


def _is_sorted(owner: NDArray[np.signedinteger], scores: NDArray[np.float64]) -> bool:
    """Return whether rows are already sorted by query and descending score, as in most files."""
    same = owner[1:] == owner[:-1]
    return bool(((owner[1:] > owner[:-1]) | (same & (scores[1:] <= scores[:-1]))).all())


def _by_name_where_tied(
    names: Names,
    codes: NDArray[np.signedinteger],
    owner: NDArray[np.signedinteger],
    scores: NDArray[np.float64],
) -> tuple[Ints, Ints]:
    """Return the sorted rows with the query and score of an adjacent row, and these rows by name, descending."""
    first = np.flatnonzero(scores[1:] == scores[:-1])
    first = first[owner[first] == owner[first + 1]]
    if not len(first):
        return first, first
    is_tied_above = np.zeros(len(scores), dtype=np.bool_)
    is_tied_above[first + 1] = True
    is_tied = is_tied_above.copy()
    is_tied[first] = True
    rows = np.flatnonzero(is_tied)
    group = np.cumsum(~is_tied_above[rows])
    order = group * len(names) - _name_order(names, codes[rows])
    return rows, rows[np.argsort(order, kind="stable")]


def _name_order(names: Names, codes: NDArray[np.signedinteger]) -> Ints:
    """Return the ``(n,)`` places of names in ascending order: among these alone, if most names are not among them."""
    if len(codes) > len(names):
        order: Ints = names.order[codes]
        return order
    distinct, place = np.unique(codes, return_inverse=True)
    return Names([names[code] for code in distinct.tolist()]).order[place]
