"""The figures of a dataset."""

from __future__ import annotations

from pathlib import Path

from support.collections import DOCUMENTS
from support.sources import beir

from evalkit.datasets import describe, load_dataset


def test_figures_of_a_dataset_are_counted(beir_folder: Path) -> None:
    """Grades, lengths and counts are those of the texts; what no one stated is None."""
    facts = describe(load_dataset(beir(beir_folder)))
    lengths = sorted(len(f"{title}\n{text}") for title, text in DOCUMENTS.values())
    assert facts["document_characters"] == {"p50": lengths[2], "p95": lengths[4], "longest": lengths[4]}
    assert facts["grades"] == {"0": 3, "1": 4, "2": 2, "3": 1}
    assert (facts["licence"], facts["listed_candidates"]) == (None, None)
