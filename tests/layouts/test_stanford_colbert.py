"""Late interaction in the layout of Stanford's ColBERT: one linear layer in the checkpoint of a BERT."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.late_recipes import Reading, late_recipe, matrix
from support.layout_checks import Recipe
from support.tiny_files import put
from support.tiny_models import TEXTS, bert_config, seeded
from support.tiny_tokenizers import bert_tokenizer

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
MARKERS = ("[unused0]", "[unused1]")
TOLERANCE = 1e-4
"""A score is a sum of float32 products over the tokens of a query."""
Check = Callable[..., Any]


def make_colbert(folder: Path, how: Reading, most: int | None = None) -> Recipe:
    """Save a checkpoint as Stanford's code does, and return its recipe, for documents of at most so many tokens."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertModel

    model = seeded(BertModel(bert_config(bert_tokenizer(folder))))
    model.config.architectures = ["HF_ColBERT"]
    model.config.save_pretrained(folder)
    linear = torch.randn(16, 32, generator=torch.Generator().manual_seed(1)) * 0.3
    weights = {f"bert.{name}": value.contiguous() for name, value in model.state_dict().items()}
    save_file({**weights, "linear.weight": linear}, folder / "model.safetensors", metadata={"format": "pt"})
    lengths = {"query_maxlen": how.query_length, "doc_maxlen": how.document_length, "dim": 16}
    markers = {"query_token_id": how.markers[0], "doc_token_id": how.markers[1], "query_token": "[Q]"}
    masks = {"attend_to_mask_tokens": how.attends, "mask_punctuation": True, "similarity": "cosine"}
    put(folder, "artifact.metadata", {**lengths, **markers, "doc_token": "[D]", **masks})
    wanted = how if most is None else replace(how, document_length=most)
    return late_recipe(folder, lambda: model, [matrix(linear)], wanted)


def check_late(check_layout: Check, family: str, folder: Path | str, recipe: Recipe, **settings: Any) -> None:
    """Check a model of late interaction."""
    settings = {"backend": "late_interaction", "pairs": TEXTS, "tolerance": TOLERANCE, **settings}
    check_layout(family, folder, recipe, **settings)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("colbertv2.0", Reading(32, 220, MARKERS)),
        ("answerai-colbert-small-v1", Reading(32, 300, MARKERS)),
        ("ColBERT, attend_to_mask_tokens", Reading(32, 180, MARKERS, attends=True)),
    ],
    ids=["colbertv2", "answerai", "attends"],
)
def test_lengths_and_masks(tmp_path: Path, check_layout: Check, name: str, how: Reading) -> None:
    """Lengths, markers and whether masks are attended to come from ``artifact.metadata``; ONNX is refused."""
    recipe = make_colbert(tmp_path / name, how)
    check_late(check_layout, f"{name} (Stanford)", tmp_path / name, recipe, exports="refused")


def test_a_shorter_document(tmp_path: Path, check_layout: Check) -> None:
    """``max_length_tokens`` cuts documents, and no query."""
    folder = tmp_path / "colbertv2.0"
    recipe = make_colbert(folder, Reading(32, 220, MARKERS), most=64)
    family = "colbertv2.0 (Stanford), max_length_tokens: 64"
    check_late(check_layout, family, folder, recipe, max_length_tokens=64)


def test_a_hub_id(hub_folder: Callable[[str], Path], check_layout: Check) -> None:
    """A checkpoint in the cache of the hub is found by its id, its metadata with it."""
    hub_id = "colbert-ir/colbertv2.0"
    recipe = make_colbert(hub_folder(hub_id), Reading(32, 220, MARKERS))
    check_late(check_layout, f"hub id {hub_id} (Stanford)", hub_id, recipe)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"similarity": "l2"}, "similarity 'l2'"),
        ({"query_token_id": "[nosuch]"}, r"marker '\[nosuch\]' \(query_token_id in artifact.metadata\)"),
        ({"doc_token_id": "[neither]"}, r"marker '\[neither\]' \(doc_token_id in artifact.metadata\)"),
    ],
    ids=["l2", "query", "document"],
)
def test_what_is_computed_otherwise_is_refused(
    tmp_path: Path, check_refused: Check, stated: dict[str, Any], message: str
) -> None:
    """Distances, and markers that are no token: they would be split into pieces that the model never read."""
    folder = tmp_path / "colbertv2.0"
    make_colbert(folder, Reading(32, 220, MARKERS))
    content = json.loads((folder / "artifact.metadata").read_text(encoding="utf-8"))
    put(folder, "artifact.metadata", {**content, **stated})
    family = f"colbertv2.0 (Stanford), {next(iter(stated.items()))}"
    check_refused(family, folder, message, backend="late_interaction")
