"""Which pairs people rate."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from support.collections import QRELS, write_beir_folder

from evalkit.errors import InputError
from evalkit.workflows.judge_rate import open_rating_input

CONFIG = """\
name: rated
datasets: [{{source: beir_folder, path: small{dataset}}}]
retriever: {{depth: 4}}
rerankers: {{lexical: {{backend: lexical}}}}
metrics: [nDCG@10]
"""


def tasks(folder: Path, dataset: str = "") -> list[tuple[str, str, bool]]:
    """Return the pairs of a configuration, and whether they are of the human sample."""
    if not (folder / "small").exists():
        write_beir_folder(folder / "small")
    (folder / "c.yaml").write_text(CONFIG.format(dataset=dataset), encoding="utf-8")
    found = open_rating_input(folder / "c.yaml").tasks
    return [(task.query_id, task.doc_id, task.sampled) for task in found]


def judged(query_id: str, doc_id: str) -> bool:
    """Return whether the collection has a judgment of a pair."""
    return doc_id in QRELS.get(query_id, {})


def test_pairs_that_the_collection_judges_are_left_out(tmp_path: Path) -> None:
    """Every unjudged pair of the pool is there; grades of other raters' files do not count as the collection's."""
    found = tasks(tmp_path)
    assert found
    assert not [pair for pair in found if judged(*pair[:2])]
    query_id, doc_id, _ = found[0]
    line = {
        "query_id": query_id, "doc_id": doc_id, "grade": 1, "rater": {"kind": "human", "name": "ann"},
        "at": "2026-11-30T00:00:00Z",
    }  # fmt: skip
    (tmp_path / "people.jsonl").write_bytes(orjson.dumps(line) + b"\n")
    assert tasks(tmp_path, ", judgments: [{path: people.jsonl}]") == found


def test_the_human_sample_is_rated_to_the_full_pool(tmp_path: Path) -> None:
    """Its queries come first, with all of their documents that the collection has no judgment of."""
    found = tasks(tmp_path, ", human_sample: {queries: 4, seed: 1}")
    sampled = [pair for pair in found if pair[2]]
    assert found[: len(sampled)] == sampled
    assert sampled
    assert not [pair for pair in found if judged(*pair[:2])]


def test_a_collection_that_judges_all_is_named(tmp_path: Path) -> None:
    """There is nothing to rate, and the message says why."""
    tasks(tmp_path)
    rows = [f"q{query}\td{doc}\t1" for query in range(1, 7) for doc in range(1, 6)]
    qrels = tmp_path / "small" / "qrels" / "test.tsv"
    qrels.write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="people have judged all documents"):
        tasks(tmp_path)
