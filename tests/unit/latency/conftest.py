"""The collection whose calls are timed."""

from __future__ import annotations

import pytest

from evalkit.datasets import load_dataset
from evalkit.records import Dataset, Run


@pytest.fixture(scope="session")
def demo() -> Dataset:
    """Return the demo collection."""
    return load_dataset("demo")


@pytest.fixture(scope="session")
def candidates(demo: Dataset) -> Run:
    """Return three candidates for every query."""
    rows = [(q.query_id, d) for q in demo.queries for d in demo.corpus.doc_ids[:3]]
    return Run.from_rows("t", [q for q, _ in rows], [d for _, d in rows], [1.0] * len(rows))
