"""Embedding models laid out as their repositories are, with the library's own encoding as the recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.embedding_models import library_recipe, make_bert_embedder, set_choices, set_modules
from support.tiny_models import TEXTS, put, qwen_sizes, roberta_config, save
from support.tiny_tokenizers import qwen_tokenizer, roberta_tokenizer

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
Check = Callable[..., Any]


def pooled(folder: Path, **config: Any) -> None:
    """Write the configuration of the pooling."""
    put(folder, "1_Pooling/config.json", {"word_embedding_dimension": 32, **config})


@pytest.mark.parametrize(
    ("family", "pooling"),
    [
        ("all-MiniLM-L6-v2 (mean, Normalize)", {"pooling_mode_mean_tokens": True}),
        ("bge-base-en-v1.5 (cls, Normalize)", {"pooling_mode_cls_token": True}),
        ("two pooling modes", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}),
    ],
)
def test_pooled_and_normalised(
    tmp_path: Path, check_layout: Check, family: str, pooling: dict[str, bool]
) -> None:
    """A network, a pooling and vectors of length 1, on ONNX and in int8, too."""
    folder = make_bert_embedder(tmp_path, 256)
    pooled(folder, **pooling)
    set_modules(folder, ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))
    check_layout(family, folder, library_recipe(folder), backend="bi_encoder", exports="score")


def test_projections(tmp_path: Path, check_layout: Check) -> None:
    """Two projections after the pooling, and prompts, as EmbeddingGemma has them."""
    import torch
    from safetensors.torch import save_file

    prompts = {"query": "task: search result | query: ", "document": "title: none | text: ", "STS": "like: "}
    folder = make_bert_embedder(tmp_path, prompts=prompts, similarity_fn_name="cosine")
    numbers = torch.Generator().manual_seed(5)
    for path, sizes in (("2_Dense", (32, 64)), ("3_Dense", (64, 32))):
        config = {"in_features": sizes[0], "out_features": sizes[1], "bias": False}
        put(
            folder,
            f"{path}/config.json",
            {**config, "activation_function": "torch.nn.modules.linear.Identity"},
        )
        weight = torch.randn(sizes[1], sizes[0], generator=numbers) * 0.3
        save_file({"linear.weight": weight}, folder / path / "model.safetensors")
    projections = (("Dense", "2_Dense"), ("Dense", "3_Dense"), ("Normalize", "4_Normalize"))
    set_modules(folder, ("Transformer", ""), ("Pooling", "1_Pooling"), *projections)
    check_layout("EmbeddingGemma (Dense, Dense)", folder, library_recipe(folder), backend="bi_encoder")


def test_prompts_that_are_not_pooled(tmp_path: Path, check_layout: Check) -> None:
    """Some models leave the prompt's tokens out of the mean, which cannot be exported."""
    prompts = {"query": "Represent the question: ", "document": "Represent the text: "}
    folder = make_bert_embedder(tmp_path, prompts=prompts)
    pooled(folder, pooling_mode_mean_tokens=True, include_prompt=False)
    family = "instructor (Pooling with include_prompt: false)"
    check_layout(family, folder, library_recipe(folder), backend="bi_encoder", exports="refused")


def test_last_tokens(tmp_path: Path, check_layout: Check) -> None:
    """The vector of the last token, and a prompt for queries alone, as Qwen3-Embedding has them."""
    from transformers import Qwen3Config, Qwen3Model

    sizes = qwen_sizes(qwen_tokenizer(tmp_path))
    save(tmp_path, Qwen3Model(Qwen3Config(**sizes)), architectures=["Qwen3ForCausalLM"])
    pooled(tmp_path, pooling_mode_lasttoken=True)
    set_modules(tmp_path, ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))
    prompts = {"query": "Instruct: Find passages that answer the query\nQuery:", "document": ""}
    folder = set_choices(tmp_path, prompts=prompts, similarity_fn_name="cosine")
    recipe = library_recipe(folder)
    check_layout(
        "Qwen3-Embedding (last token)", folder, recipe, backend="bi_encoder", pairs=TEXTS, exports="score"
    )


def test_lower_case(tmp_path: Path, check_layout: Check) -> None:
    """Texts are lowercased before a tokenizer that keeps capitals, if the files say so."""
    from transformers import RobertaModel

    folder = make_bert_embedder(tmp_path / "bert")
    other = save(tmp_path / "roberta", RobertaModel(roberta_config(roberta_tokenizer(tmp_path / "roberta"))))
    for file in ("1_Pooling/config.json", "modules.json", "config_sentence_transformers.json"):
        put(other, file, (folder / file).read_text(encoding="utf-8"))
    put(other, "sentence_bert_config.json", {"max_seq_length": 128, "do_lower_case": True})
    recipe = library_recipe(other)
    check_layout("do_lower_case: true (RoBERTa)", other, recipe, backend="bi_encoder", exports="score")
