"""A tiny collection and its candidates."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.datasets import load_dataset
from evalkit.records import Dataset, Run


@pytest.fixture
def tiny(beir_folder: Path) -> Dataset:
    """Return the tiny collection."""
    return load_dataset({"source": "beir_folder", "path": str(beir_folder)})


@pytest.fixture
def candidates() -> Run:
    """Return candidates of two queries."""
    return Run.from_rows("bm25", ["q1"] * 3 + ["q2"] * 2, ["d1", "d2", "d5", "d3", "d4"], [3, 2, 1, 5, 4])
