"""Similarities of vectors: what each is, and that a row's does not depend on the others."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from evalkit.encoding import Similarity, similarities

QUERY = np.array([3, 4], dtype=np.float32)
DOCUMENTS = np.array([[3, 4], [6, 8], [0, 0], [-4, 3]], dtype=np.float32)


@pytest.mark.parametrize(
    ("similarity", "wanted"),
    [
        ("cosine", [1, 1, 0, 0]),
        ("dot", [25, 50, 0, 0]),
        ("euclidean", [0, -5, -5, -np.sqrt(50)]),
        ("manhattan", [0, -7, -7, -8]),
    ],
)
def test_each_is_what_its_name_says(similarity: Similarity, wanted: list[float]) -> None:
    """Distances are negative, so that more is nearer; the cosine of a zero vector is 0."""
    assert similarities(QUERY, DOCUMENTS, similarity) == pytest.approx(wanted)


@pytest.mark.parametrize("similarity", get_args(Similarity))
def test_a_row_does_not_depend_on_the_others(similarity: Similarity) -> None:
    """To the last bit, at every position and in every company."""
    rng = np.random.default_rng(1)
    query, documents = rng.normal(size=333), rng.normal(size=(50, 333))
    query, documents = query.astype(np.float32), documents.astype(np.float32)
    together = similarities(query, documents, similarity)
    alone = [similarities(query, documents[row : row + 1], similarity)[0] for row in range(50)]
    assert together.tolist() == alone
    assert similarities(query, documents[::-1], similarity).tolist() == alone[::-1]
