"""Late interaction in the layouts of PyLate: dense layers in folders of their own, markers, expansion."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.late_recipes import Reading, late_recipe, saved_layer
from support.layout_checks import Recipe
from support.tiny_embedders import write_dense
from support.tiny_files import put
from support.tiny_models import TEXTS, modernbert_config, save, xlmr_config
from support.tiny_tokenizers import Vocabulary, modernbert_tokenizer, xlmr_tokenizer

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
MARKERS = ("[Q] ", "[D] ")
TOLERANCE = 1e-4
"""A score is a sum of float32 products over the tokens of a query."""


def make_pylate(
    folder: Path, how: Reading, widths: Sequence[int] = (32, 16), *, residual: bool = False
) -> Recipe:
    """Save a ModernBERT as PyLate does, and return its recipe.

    Parameters
    ----------
    widths
        Of the states before the first dense layer and after each.
    residual
        Whether the first dense layer adds its input.
    """
    from transformers import ModernBertModel

    vocabulary = added_markers(folder, modernbert_tokenizer(folder, 8192), how.markers)
    save(folder, ModernBertModel(modernbert_config(vocabulary)))
    return pylate_files(folder, how, widths, residual=residual)


def added_markers(folder: Path, vocabulary: Vocabulary, markers: Sequence[str]) -> Vocabulary:
    """Add tokens to the tokenizer of a folder, and return the larger vocabulary."""
    from tokenizers import AddedToken, Tokenizer

    path = str(folder / "tokenizer.json")
    tokenizer = Tokenizer.from_file(path)
    tokenizer.add_tokens([AddedToken(one, normalized=True) for one in markers if one])
    tokenizer.save(path)
    return Vocabulary({**vocabulary.ids, **tokenizer.get_vocab()})


def pylate_files(folder: Path, how: Reading, widths: Sequence[int], *, residual: bool = False) -> Recipe:
    """Write the dense layers and the settings that PyLate saves with a model, and return the recipe."""
    rows = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    layers = []
    for place, (width, height) in enumerate(pairwise(widths), 1):
        path, adds = f"{place}_Dense", residual and place == 1
        rows.append({"idx": place, "name": str(place), "path": path, "type": "pylate.models.Dense.Dense"})
        write_dense(folder / path, width, height, residual=adds)
        layers.append(saved_layer(folder / path, residual=adds))
    put(folder, "modules.json", rows)
    put(
        folder,
        "sentence_bert_config.json",
        {"max_seq_length": how.document_length - 1, "do_lower_case": False},
    )
    lengths = {"query_length": how.query_length, "document_length": how.document_length}
    markers = {"query_prefix": how.markers[0], "document_prefix": how.markers[1]}
    fills = {"attend_to_expansion_tokens": how.attends, "do_query_expansion": how.expands}
    shared = {"similarity_fn_name": "MaxSim", "skiplist_words": list(how.skipped), "prompts": {}}
    versions = {"__version__": {"sentence_transformers": "4.0.2", "transformers": "4.48.2"}}
    put(folder, "config_sentence_transformers.json", {**versions, **lengths, **markers, **fills, **shared})
    return late_recipe(folder, lambda: encoder_of(folder), layers, how)


def encoder_of(folder: Path) -> Any:
    """Return the model below the dense layers."""
    import torch
    from transformers import AutoModel

    return AutoModel.from_pretrained(folder, dtype=torch.float32)


MODERN: dict[str, dict[str, Any]] = {
    "GTE-ModernColBERT-v1": {"how": Reading(32, 300, MARKERS)},
    "Reason-ModernColBERT (128, 8192 tokens)": {"how": Reading(128, 8192, MARKERS)},
    "mxbai-edge-colbert-v0 (two Dense, residual, no expansion)": {
        "how": Reading(48, 400, MARKERS, expands=False),
        "widths": (32, 64, 16),
        "residual": True,
    },
    "residual without a matrix, attends to expansion": {
        "how": Reading(32, 300, MARKERS, attends=True),
        "widths": (32, 32, 16),
        "residual": True,
    },
    "no markers": {"how": Reading(32, 180)},
    "no skiplist": {"how": Reading(32, 180, MARKERS, skipped=())},
    "no expansion": {"how": Reading(32, 180, MARKERS, expands=False)},
}


@pytest.mark.parametrize("name", MODERN)
def test_modern_colbert(tmp_path: Path, check_layout: Callable[..., Any], name: str) -> None:
    """Lengths, markers, expansion, skiplist and residuals come from the saved files."""
    recipe = make_pylate(tmp_path / "model", **MODERN[name])
    shared = {"backend": "late_interaction", "pairs": TEXTS, "tolerance": TOLERANCE}
    check_layout(f"{name} (PyLate, ModernBERT)", tmp_path / "model", recipe, **shared)


def test_other_markers_on_xlm_roberta(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """jina-colbert-v2 has markers of its own and attends to the expansion."""
    from transformers import XLMRobertaModel

    folder = tmp_path / "jina-colbert-v2"
    markers = ("[QueryMarker]", "[DocumentMarker]")
    vocabulary = added_markers(folder, xlmr_tokenizer(folder, 512), markers)
    save(folder, XLMRobertaModel(xlmr_config(vocabulary, 512)))
    how = Reading(32, 300, markers, attends=True, skipped=(".", ",", ":"))
    recipe = pylate_files(folder, how, (32, 16))
    shared = {"backend": "late_interaction", "pairs": TEXTS, "tolerance": TOLERANCE}
    check_layout("jina-colbert-v2 (PyLate, XLM-R)", folder, recipe, **shared)


def test_markers_that_are_no_token_are_refused(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """PyLate adds its markers to the tokenizer: without them, they would be split into pieces."""
    folder = tmp_path / "GTE-ModernColBERT-v1"
    make_pylate(folder, Reading(32, 300, MARKERS))
    path = folder / "config_sentence_transformers.json"
    put(folder, path.name, {**json.loads(path.read_text(encoding="utf-8")), "query_prefix": "[QUESTION] "})
    family = "GTE-ModernColBERT-v1, query_prefix is no token"
    check_refused(family, folder, r"marker '\[QUESTION\] ' \(query_prefix\)", backend="late_interaction")
