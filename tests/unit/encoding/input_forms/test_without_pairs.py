"""Models that rerank without a score for a pair are recognised by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.tiny_models import put

from evalkit.encoding.checkpoints.model_files import ModelFiles, read_model_files
from evalkit.encoding.input_forms.without_pairs import check_own_inputs, check_scores_pairs
from evalkit.errors import InputError


def files_of(parent: Path, name: str, **config: Any) -> ModelFiles:
    """Return the files of a folder."""
    put(parent / name, "config.json", {"architectures": ["T5ForConditionalGeneration"], **config})
    return read_model_files(str(parent / name), None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("duot5-base-msmarco", "pairwise"),
        ("ListT5-3b", "listwise"),
        ("LiT5-Distill-base", "listwise"),
        ("rank_zephyr_7b_v1_full", "listwise"),
        ("RankVicuna-7b", "listwise"),
    ],
)
def test_names_of_models_that_compare_documents(tmp_path: Path, name: str, kind: str) -> None:
    """A model is refused by the kind that its name says."""
    with pytest.raises(InputError, match=f"a {kind} reranker .* cannot score single pairs"):
        check_scores_pairs(files_of(tmp_path, name))
    with pytest.raises(InputError, match=f"a {kind} reranker"):
        check_scores_pairs(files_of(tmp_path, "m", _name_or_path=f"owner/{name}"))


@pytest.mark.parametrize("name", ["monot5-base-msmarco", "RankT5-base", "Qwen3-Reranker-0.6B", "split5"])
def test_names_of_models_that_score_pairs(tmp_path: Path, name: str) -> None:
    """Other names are accepted."""
    check_scores_pairs(files_of(tmp_path, name))
    check_own_inputs(files_of(tmp_path, name))


def test_classes_with_further_inputs(tmp_path: Path) -> None:
    """A class whose code compresses tokens is refused."""
    with pytest.raises(InputError, match="token compression"):
        check_own_inputs(files_of(tmp_path, "any", architectures=["CostWiseGemmaForCausalLM"]))
