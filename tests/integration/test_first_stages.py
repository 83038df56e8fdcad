"""First stages through the real command line."""

from __future__ import annotations

from pathlib import Path

import orjson
import pandas as pd
import pytest
from support.command import evalkit, only_folder
from support.stand_in_search import Index, stand_in_search

from evalkit.datasets import load_dataset

pytestmark = pytest.mark.usefixtures("blank_plots")

HYBRID = """\
name: both
datasets: [{source: demo, sample: {queries: 12, seed: 1}}]
retriever:
  kind: hybrid
  depth: 20
  retrievers: [{kind: bm25, language: english}, {kind: bm25, k1: 2, b: 0.9, language: english}]
rerankers: {unchanged: {backend: identity}}
"""


def test_a_hybrid_is_a_first_stage_like_any_other(tmp_path: Path) -> None:
    """Its tag is a column, those of its parts are not; its run is kept, and every setting is written out."""
    config = tmp_path / "c.yaml"
    config.write_text(HYBRID, encoding="utf-8")
    done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    folder = only_folder(tmp_path / "results")
    values = pd.read_parquet(folder / "values.parquet")
    assert set(values["reranker"]) == {"hybrid", "unchanged"}
    assert orjson.loads((folder / "manifest.json").read_bytes())["first_stage"] == "hybrid"
    run = pd.read_csv(folder / "runs" / "demo.hybrid.d20.trec.gz", sep=" ", header=None)
    assert run.groupby(0).size().max() == 20
    assert run[4].max() == 2 / 61
    assert (folder / "config.resolved.yaml").read_text(encoding="utf-8").count("kind: bm25") == 2


ENGINE = """\
name: elsewhere
datasets: [{{source: demo, sample: {{queries: 12, seed: 1}}}}]
retriever: {{kind: opensearch, url: "{url}", index: {index}, fields: [title^2, text], depth: 20, retries: 0}}
rerankers: {{unchanged: {{backend: identity}}}}
"""


def test_an_index_elsewhere_is_a_first_stage_like_any_other(tmp_path: Path) -> None:
    """Its candidates are kept as the run of its tag; what goes wrong there ends with one line and its own exit code."""
    config = tmp_path / "c.yaml"
    corpus = load_dataset("demo").corpus
    with stand_in_search({"demo": Index(corpus.doc_ids, list(corpus.texts))}) as engine:
        config.write_text(ENGINE.format(url=engine.url, index="demo"), encoding="utf-8")
        done = evalkit("run", config, "--into", tmp_path / "results")
        assert done.returncode == 0, done.stderr
        config.write_text(ENGINE.format(url=engine.url, index="dmo"), encoding="utf-8")
        missing = evalkit("run", config, "--into", tmp_path / "results")
    gone = evalkit("run", config, "--into", tmp_path / "results")
    folder = only_folder(tmp_path / "results")
    run = pd.read_csv(folder / "runs" / "demo.opensearch.d20.trec.gz", sep=" ", header=None)
    assert run.groupby(0).size().max() == 20
    assert (missing.returncode, gone.returncode) == (2, 3)
    assert "returned 404 for query" in missing.stderr
    assert "cannot reach http://127.0.0.1:" in gone.stderr
    assert all("Traceback" not in failed.stderr for failed in (missing, gone))
