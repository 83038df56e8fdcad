"""Several first stages as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.config import retriever_settings
from evalkit.datasets import load_dataset
from evalkit.records import Dataset
from evalkit.retrievers import open_retriever


@pytest.fixture
def dataset(beir_folder: Path) -> Dataset:
    """Return the tiny collection."""
    return load_dataset({"source": "beir_folder", "path": str(beir_folder)})


def run_file(path: Path, *docs: str) -> dict[str, object]:
    """Write a run of one query, best first; return the block that names it."""
    path.write_text("".join(f"q1 Q0 {doc} 0 {-rank} t\n" for rank, doc in enumerate(docs)), encoding="utf-8")
    return {"kind": "trec_run", "path": str(path)}


def test_ranks_are_fused_and_cut(tmp_path: Path, dataset: Dataset) -> None:
    """The best of both lists by weight over k plus rank, under the hybrid's own tag."""
    parts = [run_file(tmp_path / "a", "d1", "d2", "d3"), run_file(tmp_path / "b", "d4", "d2")]
    settings = retriever_settings({"kind": "hybrid", "retrievers": parts, "weights": [1, 2], "k": 1})
    found = open_retriever(settings, dataset).retrieve(dataset.queries, 3)
    assert (found.tag, found.query_ids) == ("hybrid", ("q1",))
    assert found.docs("q1") == ("d4", "d2", "d1")
    assert found.scores.tolist() == pytest.approx([2 / 2, 1 / 3 + 2 / 3, 1 / 2])


def test_a_part_looks_as_deep_as_it_is_asked_to(tmp_path: Path, dataset: Dataset) -> None:
    """What stands below the hybrid's depth in one list counts, unless the part may look no further."""
    lists = [run_file(tmp_path / "a", "d1", "d2", "d3"), run_file(tmp_path / "b", "d4", "d5", "d3")]
    for depth, first in ((3, "d3"), (1, "d4")):
        parts = [{**block, "depth": depth} for block in lists]
        settings = retriever_settings({"kind": "hybrid", "retrievers": parts})
        assert open_retriever(settings, dataset).retrieve(dataset.queries, 1).docs("q1") == (first,)
