"""Datasets of the hub, through the real `datasets` package and a stand-in hub."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
from support.collections import DOCUMENTS, QRELS, QUERIES
from support.command import evalkit, only_folder
from support.stand_in_hub import parquet_bytes, stand_in_hub

README = b"""---
configs:
- config_name: corpus
  data_files: [{split: corpus, path: corpus/corpus-00000-of-00001.parquet}]
- config_name: queries
  data_files: [{split: queries, path: queries/queries-00000-of-00001.parquet}]
---
"""


def tsv() -> bytes:
    """Return the judgments as the BeIR qrels repositories hold them."""
    rows = [f"{q}\t{d}\t{g}" for q, docs in QRELS.items() for d, g in docs.items()]
    return ("query-id\tcorpus-id\tscore\n" + "\n".join(rows) + "\n").encode()


REPOSITORIES = {
    "BeIR/tiny": {
        "README.md": README,
        "corpus/corpus-00000-of-00001.parquet": parquet_bytes(
            {
                "_id": list(DOCUMENTS),
                "title": [title for title, _ in DOCUMENTS.values()],
                "text": [text for _, text in DOCUMENTS.values()],
            }
        ),
        "queries/queries-00000-of-00001.parquet": parquet_bytes(
            {"_id": list(QUERIES), "title": [""] * len(QUERIES), "text": list(QUERIES.values())}
        ),
    },
    "BeIR/tiny-qrels": {"README.md": b"", "test.tsv": tsv()},
}


def environment(endpoint: str, home: Path) -> dict[str, str]:
    """Return the variables that point the package at the stand-in and away from the user's cache."""
    return {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "0",
    }


def test_beir_names_load_from_the_hub_like_the_folder(tmp_path: Path, beir_folder: Path) -> None:
    """beir/<name> is BeIR/<name> with its qrels: the same content as the same collection in a folder."""
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: t\ndatasets: [beir/tiny, {{source: beir_folder, path: {beir_folder}, name: local}}]\n"
        "retriever: {depth: 5}\nrerankers: {a: {backend: lexical}}\n",
        encoding="utf-8",
    )
    with stand_in_hub(REPOSITORIES) as endpoint:
        done = evalkit(
            "run", config, "--into", tmp_path / "results", env=environment(endpoint, tmp_path / "hf")
        )
    assert done.returncode == 0, done.stderr
    hub, local = orjson.loads((only_folder(tmp_path / "results") / "manifest.json").read_bytes())["datasets"]
    assert hub["name"] == "tiny"
    assert hub["location"] == "hub:BeIR/tiny"
    assert hub["content_hash"] == local["content_hash"]


def test_an_unknown_dataset_and_a_dead_hub_are_exit_3(tmp_path: Path) -> None:
    """A name the hub lacks, and a hub that is not there, are one clear line each."""
    config = tmp_path / "c.yaml"
    config.write_text(
        "name: t\ndatasets: [beir/none]\nrerankers: {a: {backend: lexical}}\n", encoding="utf-8"
    )
    with stand_in_hub(REPOSITORIES) as endpoint:
        unknown = evalkit("run", config, env=environment(endpoint, tmp_path / "hf1"))
    assert unknown.returncode == 3
    assert "the hub has no dataset 'BeIR/none'" in unknown.stderr
    dead = evalkit("run", config, env=environment("http://127.0.0.1:9", tmp_path / "hf2"))
    assert dead.returncode == 3
    assert "error: the hub" in dead.stderr
    assert "Traceback" not in unknown.stderr + dead.stderr


def test_a_missing_split_is_told(tmp_path: Path) -> None:
    """A split that the judgments lack is an error that names it."""
    code = (
        "from evalkit import load_dataset, EvalkitError\n"
        "try:\n    load_dataset({'source': 'hub', 'path': 'beir/tiny', 'split': 'dev'})\n"
        "except EvalkitError as error:\n    print(error.render())\n"
    )
    with stand_in_hub(REPOSITORIES) as endpoint:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, check=True, timeout=120,
            env={**environment(endpoint, tmp_path / "hf"), "PATH": ""},
        )  # fmt: skip
    assert "'dev'" in done.stdout
