"""The data of a configuration, inspected as `dataset check` does and as every run does first."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from support.collections import QUERIES
from support.configs import config_of

from evalkit.dataset_checks import DataFinding
from evalkit.errors import EvalkitError
from evalkit.experiment.dataset_inspection import inspect, preflight
from evalkit.experiment.eval_sets import prepare_eval_sets


def findings(folder: Path, **more: object) -> dict[str, DataFinding]:
    """Return what is found in one dataset, by code."""
    return {finding.code: finding for finding in inspect(config_of(folder, **more))}


def add(file: Path, *rows: dict[str, str]) -> None:
    """Append rows to a file of JSON lines."""
    with file.open("ab") as out:
        out.writelines(orjson.dumps(row) + b"\n" for row in rows)


def with_train_split(folder: Path, text: str) -> Path:
    """Add a query of a train split, with a judgment."""
    add(folder / "queries.jsonl", {"_id": "t1", "text": text})
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nt1\td1\t1\n", encoding="utf-8")
    return folder


def test_queries_of_the_train_split_are_found(beir_folder: Path) -> None:
    """Where the folder has such a split, its queries are read and compared, whatever their ids."""
    assert "train_queries" not in findings(beir_folder)
    leaked = findings(with_train_split(beir_folder, QUERIES["q2"].upper()))["train_queries"]
    assert leaked.examples == ("q2",)


def test_other_queries_of_the_train_split_are_no_leak(beir_folder: Path) -> None:
    """A train split of its own queries is as it should be."""
    assert "train_queries" not in findings(with_train_split(beir_folder, "something else"))


def test_the_train_split_itself_is_not_compared_with_itself(beir_folder: Path) -> None:
    """A run on the train split says so."""
    folder = with_train_split(beir_folder, "cat in the garden")
    block = {"source": "beir_folder", "path": str(folder), "split": "train"}
    assert "train_queries" not in findings(folder, datasets=[block])


def test_both_rules_for_equal_ids_are_tried(beir_folder: Path) -> None:
    """Where queries share ids with documents, what the rule changes is computed with the first stage."""
    before = findings(beir_folder)
    add(beir_folder / "corpus.jsonl", {"_id": "q1", "title": "", "text": QUERIES["q1"]})
    after = findings(beir_folder)
    (new,) = [finding for code, finding in after.items() if code not in before]
    assert "nDCG@10" in str(new)


def test_every_dataset_is_inspected_in_turn(beir_folder: Path) -> None:
    """Findings name their dataset; the first are there before the second dataset is opened."""
    block = {"source": "beir_folder", "path": str(beir_folder)}
    gone = {"source": "beir_folder", "path": str(beir_folder / "nothing")}
    two = config_of(beir_folder, datasets=[{**block, "name": "one"}, {**block, "name": "two"}])
    names = [finding.dataset for finding in inspect(two)]
    assert names == sorted(names)
    assert set(names) == {"one", "two"}
    broken = inspect(config_of(beir_folder, datasets=[{**block, "name": "one"}, {**gone, "name": "two"}]))
    assert next(broken).dataset == "one"
    with pytest.raises(EvalkitError):
        list(broken)


def test_an_api_cuts_texts_in_its_own_way(beir_folder: Path) -> None:
    """What it reads is reported as unknown; a backend that matches words cuts nothing, and is not asked."""
    api = {"api": {"backend": "http", "url": "http://127.0.0.1:9/x", "model": "m"}}
    with_api = list(inspect(config_of(beir_folder, api)))
    without = list(inspect(config_of(beir_folder)))
    (more,) = [finding for finding in with_api if finding not in without]
    assert "api" in str(more)
    assert "the API tokenises and truncates" in str(more)


def test_every_run_looks_quickly(beir_folder: Path) -> None:
    """One preflight for each dataset of a quality pass, none for a bench; it reads no train split."""
    config = config_of(with_train_split(beir_folder, QUERIES["q2"]))
    eval_sets = prepare_eval_sets(config)
    (quick,) = preflight(config, eval_sets)
    assert "tiny" in repr(quick)
    assert not preflight(config_of(beir_folder, quality=False, latency={"batch_sizes": [1]}), eval_sets)
    closely = {finding.code for finding in inspect(config)}
    assert {code for code in closely if f"'{code}'" not in repr(quick)} == {"train_queries"}
