"""Find near-duplicate documents by MinHash, in time linear in the number of documents, not of pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.dataset_checks.check_input import CheckInput
from evalkit.dataset_checks.duplicates import equal_rows, inconsistent_judgments
from evalkit.dataset_checks.findings import DataFinding, first
from evalkit.dataset_checks.shingles import chunks
from evalkit.plurals import number_of
from evalkit.progress import progress_bar

WIDTH = 3
"""Pieces per shingle."""
ALIKE = 0.8
"""Documents are near-duplicates from this Jaccard similarity of their sets of shingles on."""
BANDS, ROWS = 16, 4
"""A pair of similarity s is compared with probability 1 - (1 - s**ROWS)**BANDS: 0.9998 at 0.8, 0.64 at 0.5."""
MOST_DOCUMENTS = 1_000_000
"""Of a larger corpus a sample is checked; the keys take 128 MB."""
MOST_PAIRS = 200_000
"""Maximum number of pairs whose similarity is computed."""
SEED = 8


def near_duplicates(data: CheckInput) -> Iterator[DataFinding]:
    """Find near-duplicate documents, and those whose judgments differ or are missing."""
    texts = data.dataset.corpus.texts
    rows = _one_of_each(data)
    sampled = len(rows) > MOST_DOCUMENTS
    if sampled:
        rows = np.sort(np.random.default_rng(SEED).choice(rows, MOST_DOCUMENTS, replace=False))
    groups, complete = group_near_duplicates(texts, rows, data.name)
    if not groups:
        return
    named = [data.doc_ids(group) for group in groups]
    among = f"a sample of {len(rows)}" if sampled else f"{len(rows)} distinct documents"
    yield DataFinding(
        data.name,
        "near_duplicate_documents",
        "note",
        f"at least {number_of(sum(map(len, named)), 'document')} of {among} in"
        f" {number_of(len(named), 'group')} of near-duplicates (at least {ALIKE:.0%} of word triples"
        " shared)" + ("" if complete else f"; only {MOST_PAIRS} pairs were compared"),
        {"documents": sum(map(len, named)), "groups": len(named), "looked_at": len(rows)},
        first(" ~ ".join(group[:3]) for group in named),
        "each takes a rank with little new information, which can bias a system that retrieves all of them",
        "keep one of each group, or give all the same grade",
    )
    yield from inconsistent_judgments(data, named, "near_duplicate")


def _one_of_each(data: CheckInput) -> NDArray[np.int64]:
    """Return the rows of all non-empty documents, only the first of equal ones."""
    keep = ~data.documents.empty
    for group in equal_rows(data.dataset.corpus.texts, data.documents):
        keep[group[1:]] = False
    return np.flatnonzero(keep)


def group_near_duplicates(
    texts: Sequence[str], rows: NDArray[np.int64], name: str = "texts"
) -> tuple[list[NDArray[np.int64]], bool]:
    """Return groups of near-duplicate rows, and whether all candidate pairs were compared.

    Groups are the connected components of the graph of pairs with a similarity of `ALIKE` or more. Broder 1997:
    the probability that two sets have the same smallest hash is their Jaccard similarity. Candidate pairs share a
    band of such hashes, and are then compared exactly.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    bar = progress_bar(rows.tolist(), desc=f"{name}: near-duplicates", unit="text", delay=2)
    owners, keys = _keys(texts, bar)
    pairs = _candidate_pairs(owners, keys)
    complete = len(pairs) <= MOST_PAIRS
    near = np.array([pair for pair in pairs[:MOST_PAIRS].tolist() if similarity(texts, *pair) >= ALIKE])
    if not len(near):
        return [], complete
    members, places = np.unique(near, return_inverse=True)
    edges = places.reshape(near.shape)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(members),) * 2)
    count, labels = connected_components(graph, directed=False)
    return [members[labels == label] for label in range(count)], complete


def _keys(texts: Sequence[str], rows: Iterable[int]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return ``(n,)`` rows with at least one shingle, and their ``(n, BANDS)`` keys."""
    random = np.random.default_rng(SEED)
    factors = random.integers(0, 2**63, BANDS * ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    owners, keys = [np.empty(0, dtype=np.int64)], [np.empty((0, BANDS), dtype=np.uint64)]
    for chunk in chunks(texts, rows):
        shingles, owner = chunk.windows(WIDTH)
        if not len(shingles):
            continue
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        smallest = [np.minimum.reduceat(shingles * factor, starts) for factor in factors]
        bands = np.array(smallest).reshape(BANDS, ROWS, len(starts))
        weights = factors[:ROWS, np.newaxis]
        keys.append((bands * weights).sum(axis=1, dtype=np.uint64).T)
        owners.append(owner[starts])
    return np.concatenate(owners), np.concatenate(keys)


def _candidate_pairs(owners: NDArray[np.int64], keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return ``(p, 2)`` pairs of rows, smaller row first, that are adjacent in a bucket of any band."""
    found = [np.empty((0, 2), dtype=np.int64)]
    for band in range(keys.shape[1]):
        order = np.argsort(keys[:, band], kind="stable")
        same = np.flatnonzero(np.diff(keys[order, band]) == 0)
        found.append(np.column_stack([owners[order[same]], owners[order[same + 1]]]))
    return np.unique(np.concatenate(found), axis=0)


def similarity(texts: Sequence[str], one: int, other: int) -> float:
    """Return the Jaccard similarity of the sets of shingles of two texts, given by their rows."""
    first_set, second_set = (
        set(chunk.windows(WIDTH)[0].tolist()) for row in (one, other) for chunk in chunks(texts, [row])
    )
    union = len(first_set | second_set)
    return len(first_set & second_set) / union if union else 0.0
