"""Whole outputs, read and approved by a person. ``make golden`` rewrites them; review the difference."""

from __future__ import annotations

import re
from pathlib import Path

from support.collections import write_beir_folder
from support.command import evalkit, evalkit_process, only_folder
from support.golden import approve


def test_the_problems_of_a_bad_configuration(tmp_path: Path) -> None:
    """The whole text for a file with many mistakes."""
    (tmp_path / "compare.yaml").write_text(
        """\
name: before adoption
seed: yes
datasets: [dmo, {source: beir_folder, paht: data}]
retriever: {kind: bm25, depth: 50, k1: -1}
rerankers:
  minilm: {backend: cross-encoder, model: x}
  api: {backend: http, url: api.example.com, api_key: secret}
  api: {backend: identity}
  bm25: {backend: lexical, batchsize: 3}
depths: [10, 100]
metrics: [nDCG@10, NDCG@10, P]
batch_sizes: [1]
latency: {rounds: 2}
""",
        encoding="utf-8",
    )
    done = evalkit("run", "compare.yaml", cwd=tmp_path)
    assert done.returncode == 2
    approve("config-problems.txt", done.stderr)


def test_the_report_of_a_tiny_run(tmp_path: Path) -> None:
    """The whole Markdown report of a run without a latency pass, but for what depends on the machine."""
    write_beir_folder(tmp_path / "tiny")
    (tmp_path / "c.yaml").write_text(
        """\
name: tiny
datasets: [{source: beir_folder, path: tiny}]
retriever: {depth: 5}
rerankers:
  lexical: {backend: lexical}
  unchanged: {backend: identity}
depths: [2, 5]
metrics: [nDCG@10, MRR@10, Judged@2]
""",
        encoding="utf-8",
    )
    done = evalkit("run", "c.yaml", "--into", "results", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = (only_folder(tmp_path / "results") / "report.md").read_text(encoding="utf-8")
    approve("report.md", re.sub(r"(?s)## How this was made.*", "", report))


def test_the_help() -> None:
    """The whole help of the program and of its main command."""
    env = {"COLUMNS": "100"}
    said = [evalkit_process(*words, "--help", env=env).stdout for words in ([], ["run"], ["serve"])]
    approve("help.txt", "\n".join(said))
