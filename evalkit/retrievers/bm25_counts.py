"""How often each term stands in each document of a corpus, or of a part of it: all that BM25 asks of the texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.text_analysis import Analyzer

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy import sparse

_CHUNK_CHARACTERS = 1 << 24
"""Text that is turned into codes at once: many chunks repeat the common words, a large one takes memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """What the scores of one part of a corpus depend on in all the others.

    Attributes
    ----------
    documents
        Number of documents, those without a term included.
    occurrences
        Terms of all documents together, repeats included.
    terms
        ``(t,)`` each term once: an Arrow array of large strings.
    frequencies
        ``(t,)`` documents that hold the term.
    """

    documents: int
    occurrences: int
    terms: pa.Array
    frequencies: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TermCounts:
    """Term counts of some documents in compressed columns.

    Attributes
    ----------
    terms
        ``(t,)`` the term of each column, in ascending order: an Arrow array of large strings.
    indptr
        ``(t + 1,)`` column ``c`` is ``rows[indptr[c]:indptr[c + 1]]``, with its counts.
    rows
        ``(p,)`` documents that hold the term, ascending within a column.
    counts
        ``(p,)`` how often, in the smallest unsigned type that holds the largest.
    lengths
        ``(d,)`` terms of each document, repeats included.
    """

    terms: pa.Array
    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    counts: NDArray[np.unsignedinteger]
    lengths: NDArray[np.int64]

    @property
    def statistics(self) -> Statistics:
        """What other parts have to know of these documents."""
        return Statistics(len(self.lengths), int(self.lengths.sum()), self.terms, np.diff(self.indptr))


def count(texts: Iterable[str], analyzer: Analyzer) -> TermCounts:
    """Count the terms of texts.

    The texts are looked at once, in chunks: a word becomes a code at once, and only distinct words are stemmed.
    An occurrence takes 4 bytes until it is counted, 8 for a moment.

    Parameters
    ----------
    texts
        One a document, in the order of rows.
    analyzer
        What splits them.
    """
    import pyarrow as pa
    from scipy import sparse

    codes, ends = zip(*map(_encode, _chunks(texts, analyzer)), strict=True)
    encoded = pa.chunked_array(codes).unify_dictionaries()
    del codes
    terms, column_of = _columns(encoded.chunk(0).dictionary.to_pylist(), analyzer)
    pa.default_memory_pool().release_unused()  # what it keeps for itself is as much as all codes
    tables, lengths = [], []
    for chunk, ends_of_chunk in zip(encoded.iterchunks(), ends, strict=True):
        columns = column_of[chunk.indices.to_numpy()]
        stops = np.concatenate(([0], np.cumsum(columns >= 0)))[ends_of_chunk]
        lengths.append(np.diff(stops))  # before the table is made: its rows shrink where a term is repeated
        tables.append(_table(columns[columns >= 0], stops, len(terms)))
    del encoded, chunk, columns
    pa.default_memory_pool().release_unused()
    table = sparse.vstack(tables, format="csr")
    del tables
    table = table.tocsc()
    return TermCounts(
        terms=pa.array(terms, pa.large_string()),
        indptr=table.indptr.astype(np.int64),
        rows=table.indices.astype(np.int32, copy=False),
        counts=table.data,
        lengths=np.concatenate(lengths),
    )


def merge_statistics(parts: Iterable[Statistics]) -> Statistics:
    """Return the statistics of a corpus from those of its parts: integers, so that sums are exact."""
    import pyarrow as pa

    held = list(parts)
    table = pa.table(
        {
            "term": pa.chunked_array([part.terms for part in held], pa.large_string()),
            "frequency": pa.chunked_array([part.frequencies for part in held], pa.int64()),
        }
    )
    merged = table.group_by("term").aggregate([("frequency", "sum")]).sort_by("term").combine_chunks()
    return Statistics(
        documents=sum(part.documents for part in held),
        occurrences=sum(part.occurrences for part in held),
        terms=merged["term"].combine_chunks(),
        frequencies=merged["frequency_sum"].to_numpy(),
    )


def _chunks(texts: Iterable[str], analyzer: Analyzer) -> Iterator[list[str]]:
    """Yield the words of texts in chunks; the last one may be empty, so that there is always one."""
    chunk: list[str] = []
    room = _CHUNK_CHARACTERS
    for text in texts:
        chunk.append(analyzer.spaced_tokens(text))
        room -= len(text)
        if room <= 0:
            yield chunk
            chunk, room = [], _CHUNK_CHARACTERS
    yield chunk


def _encode(chunk: Sequence[str]) -> tuple[pa.Array, NDArray[np.int32]]:
    """Return a code for each piece of a chunk, and where each document begins and the last one ends."""
    import pyarrow as pa
    from pyarrow import compute

    pieces = compute.ascii_split_whitespace(pa.array(chunk, pa.string()))
    return pieces.flatten().dictionary_encode(), pieces.offsets.to_numpy()


def _columns(pieces: Sequence[str], analyzer: Analyzer) -> tuple[list[str], NDArray[np.int32]]:
    """Return all terms in ascending order, and the column of each piece: -1 where it is no term."""
    found = analyzer.terms_of_tokens(pieces)
    terms = sorted({term for term in found if term is not None})
    column = {term: i for i, term in enumerate(terms)}
    return terms, np.array([-1 if term is None else column[term] for term in found], dtype=np.int32)


def _table(columns: NDArray[np.int32], stops: NDArray[np.int64], terms: int) -> sparse.csr_array:
    """Return the counts of one chunk, one row a document."""
    from scipy import sparse

    ones = np.ones(len(columns), dtype=np.int32)
    table = sparse.csr_array((ones, columns, stops), shape=(len(stops) - 1, terms))
    table.sum_duplicates()
    table.data = table.data.astype(np.min_scalar_type(int(table.data.max(initial=0))))
    return table
