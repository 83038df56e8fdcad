"""The published runs on TREC DL 2019 that are in the test data."""

from __future__ import annotations

RUN_FILES = {
    "bm25": "dl19.bm25.top100.trec",
    "rm3": "dl19.bm25_rm3.top100.trec",
    "repllama": "dl19.repllama.top100.trec",
    "splade": "dl19.splade_pp_ed.top100.trec",
    "tasb": "dl19.tasb.top100.trec",
    "ada2": "dl19.ada2.top100.trec",
    "rankvicuna": "dl19.bm25.rerank-rankvicuna-7b.trec",
}
"""Tag -> file in the folder ``runs``."""
