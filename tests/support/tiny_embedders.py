"""The files around a model that embeds texts, as sentence-transformers saves them: modules, pooling, prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.tiny_files import put
from support.tiny_models import SMALL, bert_config, save
from support.tiny_tokenizers import bert_tokenizer

POOLING = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}


def sentence_bert(folder: Path, *modules: str, pooling: str = "mean", **saved: Any) -> Path:
    """Save a BERT that embeds texts of 512 tokens, with modules after its pooling, and return its folder."""
    from transformers import BertModel

    save(folder, BertModel(bert_config(bert_tokenizer(folder))))
    return write_modules(folder, *modules, pooling=pooling, **saved)


def write_modules(
    folder: Path, *modules: str, pooling: str = "mean", most: int | None = 512, **saved: Any
) -> Path:
    """Write the files by which sentence-transformers embeds with the model of a folder, and return the folder.

    Parameters
    ----------
    modules
        Kinds of the modules after the pooling: ``Normalize``, ``Dense``.
    pooling
        One mode of `POOLING`, or several joined by ``+``.
    most
        Tokens that it reads; None if its tokenizer says so.
    saved
        What ``config_sentence_transformers.json`` holds: prompts and the like.
    """
    kinds = ["Transformer", "Pooling", *modules]
    paths = ["", *(f"{place}_{kind}" for place, kind in enumerate(kinds) if place)]
    rows = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (kind, path) in enumerate(zip(kinds, paths, strict=True))
    ]
    put(folder, "modules.json", rows)
    modes = {name: mode in pooling.split("+") for mode, name in POOLING.items()}
    put(folder, "1_Pooling/config.json", {"word_embedding_dimension": SMALL["hidden_size"], **modes})
    if most is not None:
        put(folder, "sentence_bert_config.json", {"max_seq_length": most, "do_lower_case": False})
    versions = {"__version__": {"sentence_transformers": "3.0.0"}}
    put(folder, "config_sentence_transformers.json", {**versions, **saved})
    return folder


def write_dense(folder: Path, width: int, height: int, *, residual: bool = False, **config: Any) -> None:
    """Write a dense layer from `width` to `height` numbers into a folder of its own, with seeded weights.

    A layer with a residual adds its input, through a matrix of its own if the widths differ, as PyLate's does.
    """
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(width + height)
    names = ["linear.weight", *(["residual.weight"] if residual and width != height else [])]
    weights = {name: torch.randn(height, width, generator=generator) * 0.3 for name in names}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    identity = "torch.nn.modules.linear.Identity"
    sizes = {"in_features": width, "out_features": height, "bias": False, "activation_function": identity}
    put(folder, "config.json", {**sizes, **({"use_residual": True} if residual else {}), **config})
