"""Blocks of first stages: what is wrong with one is told with its place, nested or not."""

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
        "c.yaml:7:5: 'retrievers' must be two first stages or more",
    ),
    "a hybrid of none": ("  kind: hybrid\n", "c.yaml:5:3: key 'retrievers' is missing"),
    "a weight too few": (
        HYBRID + "  weights: [1.0]\n",
        "c.yaml:9:12: 'weights' must be 2 numbers, one for each of the retrievers",
    ),
    "a weight of nothing": (
        HYBRID + "  weights: [1, 0]\n",
        "c.yaml:9:16: 'weights[1]' should be greater than 0 (given: 0)",
    ),
    "a hybrid in a hybrid": (
        HYBRID.replace("{kind: bm25}", "{kind: hybrid, retrievers: [{kind: bm25}, {kind: bm26}]}"),
        "c.yaml:7:56: unknown retriever kind 'bm26'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_first_stage_is_told_with_place_and_hint(tmp_path: Path, case: str) -> None:
    """Each kind of mistake gets one sentence with file, line and column, and nothing else is said."""
    text, said = BAD[case]
    file = tmp_path / "c.yaml"
    file.write_text(START + text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    shown = caught.value.render().replace(f"{file}", "c.yaml")
    assert said in shown
    assert shown.endswith("1 problem; nothing was run")


def test_defaults_of_parts_are_written_out(tmp_path: Path) -> None:
    """A resolved hybrid names every setting of its parts, and loads to itself."""
    file = tmp_path / "c.yaml"
    file.write_text(START + HYBRID, encoding="utf-8")
    first = load_config(file)
    text = resolved_yaml(first)
    assert "k1: 0.9" in text
    file.write_text(text, encoding="utf-8")
    assert load_config(file) == first
