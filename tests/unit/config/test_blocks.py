"""Blocks of first stages: what is wrong with one is reported with its place, nested or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.config import load_config, resolved_yaml
from evalkit.errors import ConfigError

START = """\
name: small
datasets: [demo]
rerankers: {mine: {backend: identity}}
retriever:
"""
HYBRID = """\
  kind: hybrid
  retrievers:
    - {kind: bm25}
    - {kind: trec_run, path: dense.trec}
"""
ENGINE = """\
  kind: opensearch
  url: http://x
  index: docs
  fields: [text]
"""
BAD = {
    "a key that a part lacks": (
        HYBRID.replace("bm25}", "bm25, langage: dutch}"),
        "c.yaml:7:20: unknown key 'langage'\n  hint: did you mean 'language'?",
    ),
    "a part of no kind": (
        HYBRID.replace("{kind: bm25}", "{k1: 1.2}"),
        "c.yaml:7:7: key 'kind' is missing\n  hint: add 'kind:', one of: bm25, ",
    ),
    "a part of an unknown kind": (
        HYBRID.replace("trec_run", "trec-run"),
        "c.yaml:8:14: unknown retriever kind 'trec-run'\n  hint: did you mean 'trec_run'?",
    ),
    "a part that is no block": (
        HYBRID.replace("{kind: bm25}", "bm25"),
        "c.yaml:7:7: 'retrievers[0]' must be a mapping (key: value) (given: 'bm25')",
    ),
    "a bad value in a part": (
        HYBRID.replace("bm25}", "bm25, b: 2}"),
        "c.yaml:7:23: 'b' should be less than or equal to 1 (given: 2)",
    ),
    "a hybrid of one": (
        HYBRID.replace("    - {kind: bm25}\n", ""),
        "c.yaml:7:5: 'retrievers' must contain two or more retrievers",
    ),
    "a hybrid of none": ("  kind: hybrid\n", "c.yaml:5:3: key 'retrievers' is missing"),
    "a weight too few": (
        HYBRID + "  weights: [1.0]\n",
        "c.yaml:9:12: 'weights' must contain 2 numbers, one for each retriever",
    ),
    "a weight of nothing": (
        HYBRID + "  weights: [1, 0]\n",
        "c.yaml:9:16: 'weights[1]' should be greater than 0 (given: 0)",
    ),
    "an address that is none": (
        ENGINE.replace("http://x", "localhost:9200"),
        "c.yaml:6:8: 'url' must start with http:// or https:// and contain a host name",
    ),
    "an address with more": (ENGINE.replace("http://x", "http://x/?q=1"), "c.yaml:5:3: 'retriever' needs a 'url'"),
    "a key in an address": (
        ENGINE.replace("http://x", "http://me:sesame@x"),
        "c.yaml:6:8: 'url' must not contain a key\n  hint: remove it",
    ),
    "no query": (ENGINE.replace("fields: [text]", "depth: 10"), "'retriever' needs either 'fields' or 'query'"),
    "two queries": (ENGINE + "  query: {match: {a: '{query}'}}\n", "'retriever' needs either 'fields' or 'query'"),
    "a query without the query": (
        ENGINE.replace("fields: [text]", "query: {match_all: {}}"),
        "c.yaml:8:10: 'query' must contain the value '{query}', which is replaced by the query text",
    ),
    "a query that pastes the query": (
        ENGINE.replace("fields: [text]", "query: {query_string: {query: 'title:{query}'}}"),
        "must contain '{query}' as a complete value, not as a part of 'title:{query}'",
    ),
    "a user without a password": (ENGINE + "  user_env: HOME\n", "needs both 'user_env' and 'password_env'"),
    "a user and a key": (
        ENGINE + "  user_env: HOME\n  password_env: HOME\n  api_key_env: HOME\n",
        "must not have both 'api_key_env' and 'user_env'",
    ),
    "a key variable that is not set": (
        ENGINE + "  api_key_env: NO_SUCH_VARIABLE\n",
        "c.yaml:9:16: the environment variable 'NO_SUCH_VARIABLE' is not set",
    ),
    "a password in the file": (
        ENGINE + "  user_env: HOME\n  password_env: sesame-42\n",
        "c.yaml:10:17: 'password_env' must be the name of an environment variable, not the password itself\n",
    ),
    "a key variable in a part": (
        HYBRID.replace("bm25}", "opensearch, url: 'http://x', index: i, fields: [a], api_key_env: NO_SUCH_VARIABLE}"),
        "c.yaml:7:79: the environment variable 'NO_SUCH_VARIABLE' is not set",
    ),
    "a model of no name": ("  kind: dense\n", "c.yaml:5:3: key 'model' is missing"),
    "a precision that there is not": (
        "  kind: dense\n  model: m\n  precision: int4\n",
        "c.yaml:7:14: 'precision' should be 'fp32', 'bf16', 'fp16' or 'int8' (given: 'int4')",
    ),
    "a runtime that cannot": (
        "  {kind: dense, model: m, runtime: onnx, precision: fp16}\n",
        "c.yaml:5:3: 'retriever' cannot use fp16 on ONNX: remove runtime: onnx",
    ),
    "a similarity that there is not": (
        HYBRID.replace("bm25}", "dense, model: m, similarity: cos}"),
        "c.yaml:7:43: 'similarity' should be 'cosine', 'dot', 'euclidean' or 'manhattan' (given: 'cos')",
    ),
    "a hybrid in a hybrid": (
        HYBRID.replace("{kind: bm25}", "{kind: hybrid, retrievers: [{kind: bm25}, {kind: bm26}]}"),
        "c.yaml:7:56: unknown retriever kind 'bm26'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_first_stage_is_reported_with_place_and_hint(tmp_path: Path, case: str) -> None:
    """Each kind of mistake gets one sentence with file, line and column, and nothing else is said."""
    text, said = BAD[case]
    (tmp_path / "dense.trec").touch()
    file = tmp_path / "c.yaml"
    file.write_text(START + text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    shown = caught.value.render().replace(f"{file}", "c.yaml")
    assert said in shown
    assert shown.endswith("1 problem; nothing was run")
    assert "sesame" not in shown


def test_defaults_of_parts_are_written_out(tmp_path: Path) -> None:
    """A resolved hybrid names every setting of its parts, and loads to itself."""
    (tmp_path / "dense.trec").touch()
    file = tmp_path / "c.yaml"
    file.write_text(START + HYBRID, encoding="utf-8")
    first = load_config(file)
    text = resolved_yaml(first)
    assert "k1: 0.9" in text
    file.write_text(text, encoding="utf-8")
    assert load_config(file) == first
