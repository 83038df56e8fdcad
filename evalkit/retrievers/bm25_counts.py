"""Count the terms in the documents of a corpus or of a part of it: the only input of BM25 scores."""

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
"""Characters of text encoded at once: many chunks repeat the frequent words, large chunks need more memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Statistics of a corpus or of a part of it; the scores of a part depend on the statistics of all parts.

    Attributes
    ----------
    documents
        Number of documents, including those without a term.
    occurrences
        Number of term occurrences in all documents.
    terms
        ``(t,)`` unique terms: an Arrow array of large strings.
    frequencies
        ``(t,)`` document frequency: number of documents that contain the term.
    """

    documents: int
    occurrences: int
    terms: pa.Array
    frequencies: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TermCounts:
    """Term counts of documents as a sparse matrix in compressed columns, one column per term.

    Attributes
    ----------
    terms
        ``(t,)`` term of each column, in ascending order: an Arrow array of large strings.
    indptr
        ``(t + 1,)`` column ``c`` is ``rows[indptr[c]:indptr[c + 1]]``, with the same slice of `counts`.
    rows
        ``(p,)`` documents that contain the term, ascending within a column.
    counts
        ``(p,)`` occurrences of the term in the document, in the smallest sufficient unsigned type.
    lengths
        ``(d,)`` number of term occurrences in each document.
    """

    terms: pa.Array
    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    counts: NDArray[np.unsignedinteger]
    lengths: NDArray[np.int64]

    @property
    def statistics(self) -> Statistics:
        """The statistics of these documents."""
        return Statistics(len(self.lengths), int(self.lengths.sum()), self.terms, np.diff(self.indptr))


def count(texts: Iterable[str], analyzer: Analyzer) -> TermCounts:
    """Count the terms of texts.

    The texts are read once, in chunks. Tokens are encoded as integers first, so that only distinct tokens are stemmed.
    A token occurrence needs 4 bytes until it is counted, and 8 for a short time.

    Parameters
    ----------
    texts
        ``(d,)`` one text per document, in the order of rows.
    analyzer
        Splits the texts.
    """
    import pyarrow as pa
    from scipy import sparse

    codes, ends = zip(*map(_encode, _chunks(texts, analyzer)), strict=True)
    encoded = pa.chunked_array(codes).unify_dictionaries()
    del codes
    terms, column_of = _columns(encoded.chunk(0).dictionary.to_pylist(), analyzer)
    pa.default_memory_pool().release_unused()  # unused memory in the pool is as large as all codes
    tables, lengths = [], []
    for chunk, ends_of_chunk in zip(encoded.iterchunks(), ends, strict=True):
        columns = column_of[chunk.indices.to_numpy()]
        bounds = np.concatenate(([0], np.cumsum(columns >= 0)))[ends_of_chunk]
        lengths.append(np.diff(bounds))  # not from the table, which merges repeated terms
        tables.append(_count_table(columns[columns >= 0], bounds, len(terms)))
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
    """Return the statistics of a corpus from those of its parts; sums of integers are exact."""
    import pyarrow as pa

    statistics = list(parts)
    table = pa.table(
        {
            "term": pa.chunked_array([part.terms for part in statistics], pa.large_string()),
            "frequency": pa.chunked_array([part.frequencies for part in statistics], pa.int64()),
        }
    )
    merged = table.group_by("term").aggregate([("frequency", "sum")]).sort_by("term").combine_chunks()
    return Statistics(
        documents=sum(part.documents for part in statistics),
        occurrences=sum(part.occurrences for part in statistics),
        terms=merged["term"].combine_chunks(),
        frequencies=merged["frequency_sum"].to_numpy(),
    )


def _chunks(texts: Iterable[str], analyzer: Analyzer) -> Iterator[list[str]]:
    """Yield the tokens of texts in chunks; the last chunk may be empty, so that there is always one."""
    chunk: list[str] = []
    remaining = _CHUNK_CHARACTERS
    for text in texts:
        chunk.append(analyzer.spaced_tokens(text))
        remaining -= len(text)
        if remaining <= 0:
            yield chunk
            chunk, remaining = [], _CHUNK_CHARACTERS
    yield chunk


def _encode(chunk: Sequence[str]) -> tuple[pa.Array, NDArray[np.int32]]:
    """Return the dictionary-encoded tokens of a chunk, and ``(d + 1,)`` token offsets of its documents."""
    import pyarrow as pa
    from pyarrow import compute

    tokens = compute.ascii_split_whitespace(pa.array(chunk, pa.string()))
    return tokens.flatten().dictionary_encode(), tokens.offsets.to_numpy()


def _columns(tokens: Sequence[str], analyzer: Analyzer) -> tuple[list[str], NDArray[np.int32]]:
    """Return all terms in ascending order, and the column of each token: -1 if the token is not a term."""
    token_terms = analyzer.terms_of_tokens(tokens)
    terms = sorted({term for term in token_terms if term is not None})
    column = {term: i for i, term in enumerate(terms)}
    return terms, np.array([-1 if term is None else column[term] for term in token_terms], dtype=np.int32)


def _count_table(columns: NDArray[np.int32], bounds: NDArray[np.int64], terms: int) -> sparse.csr_array:
    """Return the term counts of one chunk, one row per document.

    Parameters
    ----------
    columns
        ``(o,)`` column of each term occurrence.
    bounds
        ``(d + 1,)`` occurrences ``bounds[i]:bounds[i + 1]`` belong to document ``i``.
    terms
        Number of columns.
    """
    from scipy import sparse

    ones = np.ones(len(columns), dtype=np.int32)
    table = sparse.csr_array((ones, columns, bounds), shape=(len(bounds) - 1, terms))
    table.sum_duplicates()
    table.data = table.data.astype(np.min_scalar_type(int(table.data.max(initial=0))))
    return table
