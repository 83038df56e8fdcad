"""Tiny random models that embed every token, in the layouts that people have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.models import WORDS, save_tokenizer, tiny

LATE_WORDS = [*WORDS, ".", ",", "[unused0]", "[unused1]"]


def make_late_interaction(folder: Path, layout: str = "modern", **knobs: Any) -> Path:
    """Save a two-layer BERT that embeds every token, always with the same numbers.

    Queries have at least 12 tokens, documents 20 at most, and stops and commas of documents do not count.

    Parameters
    ----------
    layout
        ``modern``: a save of sentence-transformers; ``pylate``: of an older PyLate; ``stanford``: a
        checkpoint of Stanford's ColBERT.
    knobs
        Of a modern save, in place of the usual ones: ``query_length``, ``query_expansion``,
        ``keep_only_token_ids``, ``similarity_fn_name``, ``padding_side``, ``pool`` (tokens alike are merged).
    """
    model, head = _token_embedder()
    if layout == "modern":
        _modern_save(folder, model, head, knobs)
        return folder
    save_tokenizer(folder, LATE_WORDS, 48)
    if layout == "stanford":
        _stanford_save(folder, model, head)
        return folder
    model.save_pretrained(folder)
    _pylate_files(folder, head)
    return folder


def _token_embedder() -> tuple[Any, Any]:
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(5)
    sizes = tiny(vocab_size=len(LATE_WORDS), max_position_embeddings=48, initializer_range=0.5)
    return BertModel(BertConfig(**sizes)), torch.randn(8, 16)


def _modern_save(folder: Path, model: Any, head: Any, knobs: dict[str, Any]) -> None:
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling, MultiVectorMask
    from torch import nn

    expansion = {"strategy": "fixed", "length": 12}
    save_tokenizer(folder / "bert", LATE_WORDS, 48, padding_side=knobs.get("padding_side", "right"))
    model.save_pretrained(folder / "bert")
    reader = Transformer(
        str(folder / "bert"),
        document_length=20,
        query_length=knobs.get("query_length"),
        query_expansion=knobs.get("query_expansion", expansion),
    )
    dense = Dense(
        16,
        8,
        bias=False,
        activation_function=nn.Identity(),
        init_weight=head,
        module_input_name="token_embeddings",
    )
    mask = MultiVectorMask([".", ","], keep_only_token_ids=knobs.get("keep_only_token_ids"))
    parts = [reader, dense, mask, Normalize("token_embeddings")]
    whole = MultiVectorEncoder(
        modules=[*parts, HierarchicalTokenPooling()] if knobs.get("pool") else parts,
        prompts={"query": "yes ", "document": "no "},
        similarity_fn_name=knobs.get("similarity_fn_name"),
        device="cpu",
    )
    whole.save(str(folder))


def _stanford_save(folder: Path, model: Any, head: Any) -> None:
    from safetensors.torch import save_file

    model.config.architectures = ["HF_ColBERT"]
    model.config.save_pretrained(folder)
    weights = {f"bert.{name}": value.contiguous() for name, value in model.state_dict().items()}
    save_file({**weights, "linear.weight": head}, folder / "model.safetensors", metadata={"format": "pt"})
    told = {"query_token_id": "[unused0]", "doc_token_id": "[unused1]", "query_maxlen": 12, "doc_maxlen": 20}
    (folder / "artifact.metadata").write_text(json.dumps(told), encoding="utf-8")


def _pylate_files(folder: Path, head: Any) -> None:
    from safetensors.torch import save_file

    (folder / "1_Dense").mkdir()
    save_file({"linear.weight": head}, folder / "1_Dense" / "model.safetensors")
    dense = {
        "in_features": 16,
        "out_features": 8,
        "bias": False,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    types = {"": "sentence_transformers.models.Transformer", "1_Dense": "pylate.models.Dense.Dense"}
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": kind}
        for number, (path, kind) in enumerate(types.items())
    ]
    told = {
        "similarity_fn_name": "MaxSim",
        "query_prefix": "[unused0]",
        "document_prefix": "[unused1]",
        "query_length": 12,
        "document_length": 20,
        "attend_to_expansion_tokens": False,
        "skiplist_words": [".", ","],
    }
    files = {"1_Dense/config": dense, "modules": modules, "config_sentence_transformers": told}
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
