"""Count the terms in the documents of a corpus or of a part of it: the only input of BM25 scores."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from evalkit.retrievers.bm25_tokens import EncodedTexts, chunked, encode, numbers
from evalkit.text_analysis import Analyzer

if TYPE_CHECKING:
    import pyarrow as pa

THREADS = min(4, os.cpu_count() or 1)
"""Threads that count: Arrow and numpy compute without Python's lock. The result does not depend on their number."""
_ROW_BITS = 31
"""Bits of a row in an integer of 64 bits that holds a column, too."""

_Task = TypeVar("_Task")
_Done = TypeVar("_Done")


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

    The texts are read once, in chunks, which are worked on in parallel. Tokens are encoded as integers first, so that
    only distinct tokens are stemmed. A token occurrence needs 4 bytes until it is counted, then a posting needs 10.

    Parameters
    ----------
    texts
        ``(d,)`` one text per document, in the order of rows.
    analyzer
        Splits the texts.
    """
    import pyarrow as pa

    with ThreadPoolExecutor(THREADS) as pool:
        encoded = _in_order(pool, partial(encode, analyzer=analyzer), chunked(texts))
        codes, tokens = map(deque, zip(*encoded, strict=True))
        terms, columns = _columns(tokens, analyzer)
        pa.default_memory_pool().release_unused()
        parts = deque(_in_order(pool, _count_chunk, _tasks(codes, columns)))
        lengths = np.concatenate([part.lengths for part in parts])
        indptr, rows, counts = _join(pool, parts, len(terms))
    return TermCounts(pa.array(terms, pa.large_string()), indptr, rows, counts, lengths)


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
        frequencies=numbers(merged["frequency_sum"].combine_chunks()),
    )


def _in_order(
    pool: ThreadPoolExecutor, function: Callable[[_Task], _Done], tasks: Iterable[_Task]
) -> Iterator[_Done]:
    """Yield the results in the order of tasks; no task is read long before a thread is free for it."""
    pending: deque[Future[_Done]] = deque()
    for task in tasks:
        pending.append(pool.submit(function, task))
        del task
        if len(pending) > THREADS:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _columns(tokens: deque[pa.Array], analyzer: Analyzer) -> tuple[list[str], list[NDArray[np.int32]]]:
    """Return all terms in ascending order, and the column of each token of each chunk: -1 if it is not a term.

    The tokens are removed: those of all chunks need as much memory as half of the codes.
    """
    import pyarrow as pa

    edges = np.cumsum([len(chunk) for chunk in tokens])[:-1]
    joined = pa.concat_arrays(tokens)
    tokens.clear()
    encoded = joined.dictionary_encode()
    token_terms = analyzer.terms_of_tokens([token.rstrip(" ") for token in encoded.dictionary.to_pylist()])
    terms = sorted({term for term in token_terms if term is not None})
    column = {term: i for i, term in enumerate(terms)}
    columns = np.array([-1 if term is None else column[term] for term in token_terms], dtype=np.int32)
    return terms, np.split(columns.take(numbers(encoded.indices)), edges)


@dataclass(frozen=True, slots=True, eq=False)
class _ChunkTask:
    """A chunk to count: its tokens, the column of each of its distinct tokens, and the row of its first document."""

    encoded: EncodedTexts
    columns: NDArray[np.int32]
    first_row: int


@dataclass(frozen=True, slots=True, eq=False)
class _ChunkCounts:
    """The term counts of a chunk, sorted by column, then by row.

    Attributes
    ----------
    columns, sizes
        ``(c,)`` columns with a posting, ascending, and number of postings of each.
    rows, counts
        ``(p,)`` as in `TermCounts`.
    lengths
        ``(d,)`` as in `TermCounts`.
    """

    columns: NDArray[np.int32]
    sizes: NDArray[np.int32]
    rows: NDArray[np.int32]
    counts: NDArray[np.unsignedinteger]
    lengths: NDArray[np.int64]


def _tasks(chunks: deque[EncodedTexts], columns: Sequence[NDArray[np.int32]]) -> Iterator[_ChunkTask]:
    """Yield the tasks of chunks; remove the chunks, so that they need no memory after they are counted."""
    first_row = 0
    for columns_of_chunk in columns:
        encoded = chunks.popleft()
        yield _ChunkTask(encoded, columns_of_chunk, first_row)
        first_row += len(encoded.offsets) - 1


def _count_chunk(task: _ChunkTask) -> _ChunkCounts:
    columns = task.columns.take(task.encoded.codes)
    is_term = columns >= 0
    bounds = np.zeros(len(columns) + 1, dtype=np.int64)
    np.cumsum(is_term, out=bounds[1:])
    lengths = np.diff(bounds[task.encoded.offsets])
    # Column and row of an occurrence are one integer: sorting these is faster than any other way to group them.
    pairs = columns[is_term].astype(np.int64)
    pairs <<= _ROW_BITS
    pairs |= np.repeat(np.arange(task.first_row, task.first_row + len(lengths)), lengths)
    pairs.sort()
    starts, counts = _groups(pairs)
    pairs = pairs[starts]
    columns_of_pairs = pairs >> _ROW_BITS
    starts, sizes = _groups(columns_of_pairs)
    pairs &= (1 << _ROW_BITS) - 1
    return _ChunkCounts(
        columns=columns_of_pairs[starts].astype(np.int32),
        sizes=sizes.astype(np.int32),
        rows=pairs.astype(np.int32),
        counts=counts.astype(np.min_scalar_type(int(counts.max(initial=0)))),
        lengths=lengths,
    )


def _groups(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each group of equal values begins in sorted values, and its size."""
    begins = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    sizes = np.empty_like(starts)
    np.subtract(starts[1:], starts[:-1], out=sizes[:-1])
    sizes[-1:] = len(values) - starts[-1:]
    return starts, sizes


def _join(
    pool: ThreadPoolExecutor, parts: deque[_ChunkCounts], terms: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.unsignedinteger]]:
    """Return ``indptr``, ``rows`` and ``counts`` of all chunks; remove the chunks one by one."""
    indptr = np.zeros(terms + 1, dtype=np.int64)
    for part in parts:
        indptr[1:][part.columns] += part.sizes
    np.cumsum(indptr, out=indptr)
    rows = np.empty(indptr[-1], dtype=np.int32)
    counts = np.empty(indptr[-1], dtype=np.result_type(*(part.counts.dtype for part in parts)))

    def place(task: tuple[_ChunkCounts, NDArray[np.int64]]) -> None:
        part, starts = task
        shifts = starts - (np.cumsum(part.sizes, dtype=np.int64) - part.sizes)
        places = np.repeat(shifts, part.sizes)
        places += np.arange(len(places))
        rows[places] = part.rows
        counts[places] = part.counts

    deque(_in_order(pool, place, _placed(parts, indptr)), maxlen=0)
    return indptr, rows, counts


def _placed(
    parts: deque[_ChunkCounts], indptr: NDArray[np.int64]
) -> Iterator[tuple[_ChunkCounts, NDArray[np.int64]]]:
    """Yield each chunk with the ``(c,)`` place of its first posting in each of its columns; remove the chunks."""
    ends = indptr[:-1].copy()  # of the postings of earlier chunks in each column
    while parts:
        part = parts.popleft()
        yield part, ends[part.columns]
        ends[part.columns] += part.sizes
