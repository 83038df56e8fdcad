"""Which backend accepts which kind of model, and what the others say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from support.tiny_files import put

from evalkit.encoding.checkpoints.model_checks import check_kind, note_pooling
from evalkit.encoding.checkpoints.model_files import ModelFiles, read_model_files
from evalkit.encoding.model_settings import Kind
from evalkit.errors import InputError, InputNote

CLASSES = {
    "classifier": "BertForSequenceClassification",
    "causal": "Qwen3ForCausalLM",
    "encoder": "BertModel",
    "masked": "BertForMaskedLM",
    "seq2seq": "T5ForConditionalGeneration",
    "late": "HF_ColBERT",
    "vision": "ViTForImageClassification",
}


def files_of(folder: Path, name: str, modules: tuple[str, ...] = (), **library: Any) -> ModelFiles:
    """Return what the files of a model of a class say."""
    put(folder, "config.json", {"architectures": [name]})
    if modules:
        put(
            folder,
            "modules.json",
            [{"type": f"sentence_transformers.models.{one}", "path": one} for one in modules],
        )
    put(folder, "config_sentence_transformers.json", library)
    return read_model_files(str(folder), None)


@pytest.mark.parametrize(
    ("use", "accepted"),
    [
        ("cross_encoder", {"classifier", "causal"}),
        ("bi_encoder", {"encoder"}),
        ("late_interaction", {"late"}),
    ],
)
@pytest.mark.parametrize("name", CLASSES)
def test_each_backend_accepts_its_kinds(tmp_path: Path, use: Kind, accepted: set[str], name: str) -> None:
    """All others are refused, with the model, its class and an advice in the imperative."""
    files = files_of(tmp_path, CLASSES[name])
    if name in accepted:
        check_kind(files, use)
        return
    with pytest.raises(InputError) as caught:
        check_kind(files, use)
    assert repr(str(tmp_path)) in str(caught.value)
    assert CLASSES[name] in str(caught.value)
    assert str(caught.value.hint).startswith("use ")


def test_a_cross_encoder_may_consist_of_several_modules(tmp_path: Path) -> None:
    """Pooling among them does not make it an embedding model: its saved type counts."""
    modules = ("Transformer", "Pooling", "Dense", "LayerNorm", "Dense")
    files = files_of(tmp_path, "ModernBertModel", modules, model_type="CrossEncoder")
    check_kind(files, "cross_encoder")
    with pytest.raises(InputError, match="is a cross-encoder") as caught:
        check_kind(files, "bi_encoder")
    assert caught.value.hint == "use backend: cross_encoder"


@pytest.mark.parametrize("use", get_args(Kind))
def test_a_file_of_another_format_cannot_be_loaded(tmp_path: Path, use: Kind) -> None:
    """Whatever the backend."""
    put(tmp_path, "model.gguf", "GGUF")
    with pytest.raises(InputError, match="is a GGUF file, and cannot be loaded") as caught:
        check_kind(read_model_files(str(tmp_path), None), use)
    assert "llama.cpp" in str(caught.value.hint)


def test_the_mean_that_the_library_takes_is_noted(tmp_path: Path) -> None:
    """A model that does not say how its vectors are made may need another way; one with modules says it."""
    with pytest.warns(InputNote, match="has no modules.json: taking the mean of its token vectors"):
        note_pooling(files_of(tmp_path / "plain", "BertModel"), "bi_encoder")
    note_pooling(files_of(tmp_path / "whole", "BertModel", ("Transformer", "Pooling")), "bi_encoder")
    note_pooling(files_of(tmp_path / "part", "BertModel", ("Transformer",)), "bi_encoder")


@pytest.mark.parametrize("name", ["BertModel", "BertForMaskedLM"])
def test_the_head_in_the_files_of_an_encoder_is_named(tmp_path: Path, name: str) -> None:
    """A classifier whose configuration names another class is still none: the hint says what its files have."""
    header = json.dumps(
        {"classifier.bias": {"data_offsets": [0, 0]}, "classifier.weight": {"data_offsets": [0, 0]}}
    )
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header.encode())
    with pytest.raises(InputError) as caught:
        check_kind(files_of(tmp_path, name), "cross_encoder")
    assert str(caught.value.hint).startswith("its files have classifier.weight: if it is")
