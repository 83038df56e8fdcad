"""Datasets with their candidates."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.collections import QRELS
from support.configs import config_of

from evalkit.errors import InputError
from evalkit.experiment.eval_sets import prepare_eval_sets


def test_every_dataset_comes_with_its_candidates(beir_folder: Path) -> None:
    """In the order of the configuration; lists are as deep as asked, of documents that are there."""
    block = {"source": "beir_folder", "path": str(beir_folder)}
    two = config_of(
        beir_folder, datasets=[{**block, "name": "one"}, {**block, "name": "two"}], retriever={"depth": 2}
    )
    found = prepare_eval_sets(two)
    assert [one.dataset.name for one in found] == ["one", "two"]
    for one in found:
        assert set(one.candidates.query_ids) <= set(QRELS)
        for _, docs, _ in one.candidates:
            assert len(docs) <= 2
            assert all(doc in one.dataset.corpus for doc in docs)


def test_a_query_without_candidates_is_no_error(beir_folder: Path) -> None:
    """Words that no document has find nothing; the other queries have their lists."""
    (one,) = prepare_eval_sets(config_of(beir_folder))
    lists = {query: docs for query, docs, _ in one.candidates}
    assert not lists.get("q4")
    assert lists["q1"]


def test_no_candidates_at_all_is_an_error(beir_folder: Path) -> None:
    """There is nothing to rerank: reported at once, with what to check."""
    (beir_folder / "queries.jsonl").write_text(
        "".join(f'{{"_id": "{query}", "text": "zebra"}}\n' for query in QRELS), encoding="utf-8"
    )
    with pytest.raises(InputError, match="found no candidates for any query") as raised:
        prepare_eval_sets(config_of(beir_folder))
    assert raised.value.hint == "check the language of the dataset and the settings of the retriever"


def test_a_metric_that_the_judgments_do_not_allow_is_an_error(beir_folder: Path) -> None:
    """Before a candidate is retrieved or a call is made, with the dataset, the metric and the judgment."""
    block = {"source": "beir_folder", "path": str(beir_folder), "name": "mine"}
    qrels = beir_folder / "qrels" / "test.tsv"
    lines = qrels.read_text(encoding="utf-8").splitlines()
    query, doc, _ = lines[1].split("\t")
    qrels.write_text("\n".join([lines[0], f"{query}\t{doc}\t7", *lines[2:]]) + "\n", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        prepare_eval_sets(config_of(beir_folder, datasets=[block], metrics=["nDCG@10", "ERR@10"]))
    assert str(raised.value) == (
        f"the judgments of 'mine': 'ERR@10' knows grades up to 4; query {query!r}, document {doc!r} has the grade 7"
    )
