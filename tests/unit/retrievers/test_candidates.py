"""Candidates of a dataset, whatever the first stage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evalkit.config import retriever_settings
from evalkit.datasets import load_dataset
from evalkit.records import Dataset, Query, Run
from evalkit.retrievers import open_retriever, retrieve_candidates


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


class Ranked:
    """A retriever that finds d1 to d9, in this order, for every query; it keeps the depth that it was asked for."""

    asked = 0

    def retrieve(self, queries: tuple[Query, ...], depth: int) -> Run:
        """Return the first documents."""
        self.asked = depth
        rows = [(q.query_id, f"d{i}", 9.0 - i) for q in queries for i in range(1, 10)[:depth]]
        return Run.from_rows("t", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


def test_excluded_documents_are_never_candidates_and_lists_keep_their_length(beir_folder: Path) -> None:
    """Of each query its own; together with the rule for equal ids."""
    excluded = {"q1": frozenset({"d1", "d2", "d3"}), "q2": frozenset({"d2"})}
    dataset = replace(load(beir_folder, exclude_same_id=False), excluded=excluded)
    retriever = Ranked()
    run = retrieve_candidates(retriever, dataset, 3)
    assert retriever.asked == 6
    assert run.docs("q1") == ("d4", "d5", "d6")
    assert run.docs("q2") == ("d1", "d3", "d4")
    assert run.docs("q3") == ("d1", "d2", "d3")
    both = replace(dataset, origin=replace(dataset.origin, exclude_same_id=True))
    assert retrieve_candidates(retriever, both, 3).docs("q1") == ("d4", "d5", "d6")
    assert retriever.asked == 7


def test_every_first_stage_leaves_excluded_documents_out(beir_folder: Path, tmp_path: Path) -> None:
    """BM25, a run file, the lists of the dataset, and fused first stages."""
    lists = {"q1": ["d1", "d2", "d3"], "q2": ["d3", "d4"]}
    lines = [f"{q} Q0 {d} {i} {9 - i}.0 x\n" for q, docs in lists.items() for i, d in enumerate(docs)]
    (tmp_path / "run.trec").write_text("".join(lines), encoding="utf-8")
    trec_run = {"kind": "trec_run", "path": str(tmp_path / "run.trec")}
    plain = load(beir_folder)
    listed = open_retriever(retriever_settings(trec_run), plain).retrieve(plain.queries, 9)
    dataset = replace(plain, excluded={"q1": frozenset({"d1"})}, candidates=listed)
    blocks = [
        {"kind": "bm25"},
        trec_run,
        {"kind": "listed"},
        {"kind": "hybrid", "retrievers": [{"kind": "bm25"}, trec_run]},
    ]
    for block in blocks:
        retriever = open_retriever(retriever_settings(block), dataset)
        run = retrieve_candidates(retriever, dataset, 1)
        assert len(run.docs("q1")) == 1, block
        assert "d1" not in run.docs("q1"), block
        assert "d1" in retrieve_candidates(retriever, plain, 5).docs("q1"), block
