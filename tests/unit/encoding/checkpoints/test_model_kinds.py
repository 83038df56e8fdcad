"""The kind of a model, named from files laid out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.tiny_files import put

from evalkit.encoding.checkpoints.model_files import ModelFiles, read_model_files
from evalkit.encoding.checkpoints.model_kinds import kind_of

CROSS, DENSE = {"model_type": "CrossEncoder"}, {"model_type": "SentenceTransformer"}


def lay_out(folder: Path, modules: str = "", library: Any = None, **config: Any) -> ModelFiles:
    """Write a configuration and modules into a folder, and return what its files say."""
    if config:
        put(folder, "config.json", config)
    if modules:
        names = modules.split()
        rows = [
            {"type": f"sentence_transformers.models.{name}", "path": f"{n}_{name}" if n else ""}
            for n, name in enumerate(names)
        ]
        put(folder, "modules.json", rows)
    if library is not None:
        put(folder, "config_sentence_transformers.json", library)
    return read_model_files(str(folder), None)


@pytest.mark.parametrize(
    ("name", "more", "family", "words"),
    [
        ("BertForSequenceClassification", {"id2label": {"0": "x"}}, "classifier", "a sequence classifier with 1 label"),
        ("BertForSequenceClassification", {"num_labels": 3}, "classifier", "a sequence classifier with 3 labels"),
        ("BertForSequenceClassification", {}, "classifier", "a sequence classifier with 2 labels"),
        ("T5ForSequenceClassification", {"num_labels": 1}, "classifier", "a sequence classifier with 1 label"),
        ("Qwen3ForCausalLM", {}, "causal", "a causal language model"),
        ("GPT2LMHeadModel", {}, "other", "a language model of an old layout"),
        ("T5ForConditionalGeneration", {}, "seq2seq", "an encoder-decoder model"),
        ("Qwen2_5_VLForConditionalGeneration", {"vision_config": {}}, "other", "a vision-language model"),
        ("T5EncoderModel", {}, "encoder", "an encoder without a head"),
        ("BertModel", {"vocab_size": 10, "image_size": 4}, "encoder", "an encoder without a head"),
        ("ViTModel", {"image_size": 224}, "other", "a vision model"),
        ("ViTForImageClassification", {}, "other", "a vision model"),
        ("BertForMaskedLM", {}, "masked", "a masked language model"),
        ("BertForTokenClassification", {}, "other", "a token classifier"),
        ("JinaForRanking", {}, "listwise", "a listwise reranker"),
        ("LayerWiseMiniCPMForCausalLM", {}, "layerwise", "a layerwise reranker"),
        ("HF_ColBERT", {}, "late_interaction", "a late-interaction model"),
        ("ColPaliForRetrieval", {}, "other", "a retriever of page images"),
        ("Contriever", {}, "encoder", "a model of a class of its own"),
        (
            "OwnRanker",
            {"auto_map": {"AutoModelForSequenceClassification": "own.OwnRanker"}, "num_labels": 1},
            "classifier",
            "a sequence classifier with 1 label",
        ),
        ("StaticModel", {"model_type": "model2vec"}, "static", "a static embedding model"),
    ],
)  # fmt: skip
def test_without_modules_the_class_says_what_a_model_is(
    tmp_path: Path, name: str, more: dict[str, Any], family: str, words: str
) -> None:
    """The ending of its name counts, and the words end with it."""
    kind = kind_of(lay_out(tmp_path, architectures=[name], **more))
    assert (kind.family, kind.words) == (family, f"{words} ({name})")


@pytest.mark.parametrize(
    ("modules", "library", "name", "family", "words"),
    [
        ("Transformer Pooling Normalize", None, "Qwen3ForCausalLM", "embedding", "an embedding model"),
        ("Transformer Pooling", {}, "T5EncoderModel", "embedding", "an embedding model"),
        ("Transformer", DENSE, "OwnModel", "embedding", "an embedding model"),
        ("Router Normalize", {}, "BertModel", "embedding", "an embedding model"),
        ("Transformer", {}, "BertForSequenceClassification", "classifier", "a sequence classifier with 2 labels"),
        ("Transformer", CROSS, "BertModel", "cross_encoder", "a cross-encoder"),
        ("Transformer LogitScore", CROSS, "Qwen3ForCausalLM", "cross_encoder", "a causal reranker"),
        ("Transformer LogitScore", None, "Qwen3ForCausalLM", "cross_encoder", "a causal reranker"),
        ("Transformer Pooling Dense LayerNorm Dense", CROSS, "BertModel", "cross_encoder", "a cross-encoder"),
        ("MLMTransformer SpladePooling", None, "BertForMaskedLM", "sparse", "a sparse embedding model"),
        ("Router", {"model_type": "SparseEncoder"}, "BertForMaskedLM", "sparse", "a sparse embedding model"),
        ("Transformer Dense", {"model_type": "ColBERT"}, "BertModel", "late_interaction", "a late-interaction model"),
        ("Transformer Dense", {"query_prefix": "[Q] "}, "BertModel", "late_interaction", "a late-interaction model"),
        ("Transformer Pooling Dense", {**DENSE, "query_prefix": "q"}, "BertModel", "embedding", "an embedding model"),
        ("StaticEmbedding Normalize", {}, "StaticModel", "static", "a static embedding model"),
    ],
)  # fmt: skip
def test_modules_say_what_a_model_is(
    tmp_path: Path, modules: str, library: Any, name: str, family: str, words: str
) -> None:
    """They take precedence over the class, which is what the network was trained as before."""
    kind = kind_of(lay_out(tmp_path, modules, library, architectures=[name]))
    assert (kind.family, kind.words) == (family, f"{words} ({name})")


def test_a_file_of_another_format_is_named(tmp_path: Path) -> None:
    """A GGUF or an ONNX file alone, and an adapter without its model, are what they are whatever is next to them."""
    put(tmp_path / "gguf", "model-q8_0.gguf", "GGUF")
    assert kind_of(lay_out(tmp_path / "gguf")).family == "gguf_file"
    put(tmp_path / "onnx", "onnx/model.onnx", "x")
    assert kind_of(lay_out(tmp_path / "onnx", architectures=["BertModel"])).family == "onnx_file"
    put(tmp_path / "adapter", "adapter_config.json", {"base_model_name_or_path": "owner/base"})
    kind = kind_of(lay_out(tmp_path / "adapter"))
    assert kind.family == "adapter"
    assert "'owner/base'" in kind.words


def test_an_adapter_with_modules_is_what_they_say(tmp_path: Path) -> None:
    """The library loads it together with its model."""
    put(tmp_path, "adapter_config.json", {"base_model_name_or_path": "owner/base"})
    assert kind_of(lay_out(tmp_path, "Transformer Pooling")).family == "embedding"


def test_an_onnx_file_next_to_weights_says_nothing(tmp_path: Path) -> None:
    """Many repositories have both."""
    put(tmp_path, "onnx/model.onnx", "x")
    put(tmp_path, "pytorch_model.bin", "x")
    assert kind_of(lay_out(tmp_path, architectures=["BertForMaskedLM"])).family == "masked"


def test_a_model_that_names_nothing_is_unnamed(tmp_path: Path) -> None:
    """What it is shows when it is loaded."""
    assert kind_of(lay_out(tmp_path, model_type="bert")).family == "unnamed"
