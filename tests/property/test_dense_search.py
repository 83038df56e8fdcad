"""Search among vectors: what a sort of all products gives, whatever the blocks."""

from __future__ import annotations

from typing import get_args

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.encoding import Similarity, similarities
from evalkit.records import Run
from evalkit.retrievers.dense_search import Nearest, lengths_of, search


@given(
    st.integers(1, 40),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(1, 50),
    st.integers(1, 40),
    st.integers(0, 2**32),
)
def test_the_best_are_those_of_a_sort_of_everything(
    documents: int, queries: int, dimension: int, depth: int, block_rows: int, seed: int
) -> None:
    """By score, then doc_id, both descending, at the cut, too; small whole numbers make many ties."""
    rng = np.random.default_rng(seed)
    vectors, asked = (
        rng.integers(-1, 2, size=(count, dimension)).astype(np.float32) for count in (documents, queries)
    )
    doc_ids = [f"d{i}" for i in rng.permutation(documents)]
    nearest = [Nearest(depth, doc_ids) for _ in range(queries)]
    seen: list[int] = []
    search(vectors, asked, nearest, seen.append, block_bytes=4 * 128 * block_rows)
    assert sum(seen) == documents
    assert max(seen) <= block_rows
    for scores, found in zip(asked @ vectors.T, nearest, strict=True):
        whole = Run.from_rows("r", ["q"] * documents, doc_ids, scores.astype(np.float64)).cut(depth)
        best = Run.from_rows(
            "r",
            ["q"] * len(found.rows),
            [doc_ids[row] for row in found.rows],
            found.scores.astype(np.float64),
        )
        assert best.docs("q") == whole.docs("q")
        assert best.scores.tolist() == whole.scores.tolist()


@given(
    st.sampled_from(get_args(Similarity)),
    st.integers(1, 30),
    st.integers(1, 200),
    st.integers(1, 6),
    st.integers(1, 20),
    st.sampled_from([0.0, 1000.0]),
    st.integers(0, 2**32),
)
def test_the_nearest_are_those_of_the_similarity(
    similarity: Similarity,
    documents: int,
    queries: int,
    dimension: int,
    block_rows: int,
    offset: float,
    seed: int,
) -> None:
    """By every similarity, for vectors that are far from zero, too: whatever is left out is not nearer."""
    rng = np.random.default_rng(seed)
    vectors, asked = (
        (rng.normal(size=(count, dimension)) + offset).astype(np.float32) for count in (documents, queries)
    )
    depth = max(documents // 2, 1)
    nearest = [Nearest(depth, [f"d{i}" for i in range(documents)]) for _ in range(queries)]
    block_bytes = 4 * 128 * block_rows
    lengths = lengths_of(vectors, block_bytes) if similarity == "cosine" else None
    search(vectors, asked, nearest, lambda _: None, similarity, lengths, block_bytes)
    largest = max(float(np.abs(asked @ vectors.T).max()), 1.0)
    slack = {"cosine": 1e-6, "dot": 1e-6 * largest}.get(similarity, 1e-9)
    for query, found in zip(asked, nearest, strict=True):
        scores = similarities(query, vectors, similarity)
        assert len(set(found.rows.tolist())) == depth
        left_out = np.delete(scores, found.rows)
        assert scores[found.rows].min() >= left_out.max(initial=-np.inf) - slack


@given(st.integers(0, 30), st.integers(1, 6), st.integers(1, 200), st.integers(0, 2**32))
def test_lengths_are_those_of_numpy(documents: int, dimension: int, block_bytes: int, seed: int) -> None:
    """Whatever the blocks; a zero vector counts as 1, so that its cosine is 0."""
    vectors = np.random.default_rng(seed).integers(-1, 2, size=(documents, dimension)).astype(np.float32)
    wanted = np.linalg.norm(vectors.astype(np.float64), axis=1)
    assert (
        lengths_of(vectors, block_bytes).tolist()
        == np.where(wanted > 0, wanted, 1).astype(np.float32).tolist()
    )
