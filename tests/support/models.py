"""Tiny random models made on the spot, with the layout of real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "cat",
    "sat",
    "on",
    "mat",
    "dog",
    "a",
    "yes",
    "no",
]


def save_tokenizer(folder: Path, words: Sequence[str] = WORDS, most: int = 24, **more: Any) -> None:
    """Save a tokenizer of a few words."""
    from transformers import BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=most, **more).save_pretrained(folder)


def tiny(**more: Any) -> dict[str, Any]:
    """Return the sizes of a model of two layers, with more of its configuration, or other."""
    sizes = {"vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    return {**sizes, "intermediate_size": 32, **more}


def make_classifier(folder: Path, labels: int = 1) -> Path:
    """Save a two-layer BERT that scores pairs."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(5)
    names = {number: f"label {number}" for number in range(labels)}
    sizes = tiny(max_position_embeddings=24, initializer_range=0.5, num_labels=labels, id2label=names)
    BertForSequenceClassification(BertConfig(**sizes)).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def make_headless(folder: Path) -> Path:
    """Save a BERT without a head that scores."""
    from transformers import BertConfig, BertModel

    BertModel(BertConfig(**tiny(num_hidden_layers=1))).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def make_embedder(folder: Path) -> Path:
    """Save a two-layer model that embeds texts: BERT, mean pooling, a dense layer."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel

    torch.manual_seed(5)
    BertModel(BertConfig(**tiny())).save_pretrained(folder / "bert")
    save_tokenizer(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=16)
    modules = [transformer, Pooling(16), Dense(16, 8)]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder / "whole"))
    return folder / "whole"


def make_causal(folder: Path) -> Path:
    """Save a causal model with a chat template for a pair and its instruction, and a module that reads yes and no."""
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(5)
    save_tokenizer(folder)
    sizes = tiny(num_key_value_heads=2, head_dim=8, max_position_embeddings=64, initializer_range=0.5)
    Qwen3ForCausalLM(Qwen3Config(**sizes)).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.padding_side = "left"
    tokenizer.model_max_length = 24
    said = "{% for message in messages %}{{ message['content'] }} {% endfor %}"
    tokenizer.chat_template = said + "a"
    tokenizer.save_pretrained(folder)
    CrossEncoder(str(folder), device="cpu").save_pretrained(str(folder / "whole"))
    return folder / "whole"
