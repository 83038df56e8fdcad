"""Candidates of a dataset, whatever the first stage."""

from __future__ import annotations

from pathlib import Path

from evalkit.datasets import load_dataset
from evalkit.records import Dataset, Query, Run
from evalkit.retrievers import retrieve_candidates


def load(folder: Path, **settings: object) -> Dataset:
    """Load a BEIR folder."""
    return load_dataset({"source": "beir_folder", "path": str(folder), **settings})


def test_a_document_that_is_the_query_is_barred_before_the_cut(beir_folder: Path) -> None:
    """Where query and document ids coincide, the document is excluded and the list keeps its length."""

    class Everything:
        """A retriever that finds q1's own document first."""

        def retrieve(self, queries: tuple[Query, ...], depth: int) -> Run:
            """Return five documents per query, the query's own id best."""
            docs = [q.query_id for q in queries for _ in "x"]
            rows = [(q, d, 9.0 - i) for q in docs for i, d in enumerate([q, "d1", "d2", "d3", "d4"][:depth])]
            return Run.from_rows("t", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])

    excluded = retrieve_candidates(Everything(), load(beir_folder, exclude_same_id=True), 3)
    assert all(docs == ("d1", "d2", "d3") for _, docs, _ in excluded)
    kept = retrieve_candidates(Everything(), load(beir_folder, exclude_same_id=False), 3)
    assert kept.docs("q1") == ("q1", "d1", "d2")
