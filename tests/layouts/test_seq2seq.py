"""Sequence-to-sequence rerankers (monoT5, mT5, rankT5) and classifiers (T5, BART), laid out as their repositories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.recipes import pair_recipe
from support.tiny_models import ONE_LABEL, save
from support.tiny_tokenizers import roberta_tokenizer, t5_tokenizer

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]


def t5_sizes(size: int, **config: Any) -> dict[str, Any]:
    """Return the sizes of a small T5 with a vocabulary of `size` tokens."""
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "vocab_size": size}
    ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    return {**sizes, **ids, **config}


def test_t5_classifier(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """A classifier of T5 scores texts with ``</s>`` in them, which have more end tokens than others of the batch."""
    from transformers import T5Config, T5ForSequenceClassification

    vocabulary = t5_tokenizer(tmp_path)
    save(tmp_path, T5ForSequenceClassification(T5Config(**t5_sizes(vocabulary.size), **ONE_LABEL)))
    check_layout("T5ForSequenceClassification", tmp_path, pair_recipe(tmp_path, 512), exports="refused")


def test_bart_classifier(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """A classifier of BART with three labels scores texts with ``</s>`` in them."""
    from transformers import BartConfig, BartForSequenceClassification

    vocabulary = roberta_tokenizer(tmp_path)
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2}
    layers = {
        f"{part}_{name}": n
        for part in ("encoder", "decoder")
        for name, n in (("layers", 2), ("attention_heads", 4), ("ffn_dim", 64))
    }
    names = {0: "contradiction", 1: "neutral", 2: "entailment"}
    config = BartConfig(
        d_model=32,
        vocab_size=vocabulary.size,
        max_position_embeddings=512,
        **ids,
        **layers,
        id2label=names,
        num_labels=3,
    )
    save(tmp_path, BartForSequenceClassification(config))
    recipe = pair_recipe(tmp_path, 512, 2)
    check_layout(
        "bart-large-mnli (BART, 3 labels), label: entailment",
        tmp_path,
        recipe,
        exports="refused",
        label="entailment",
    )
