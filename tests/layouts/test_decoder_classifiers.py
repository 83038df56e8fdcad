"""Decoders with a head that scores pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.recipes import pair_recipe
from support.tiny_models import ONE_LABEL, SMALL, save
from support.tiny_tokenizers import llama_tokenizer

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
FIRST, LAST = "<|begin_of_text|>", "<|end_of_text|>"


def test_llama_with_a_pad_token(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """A decoder whose head reads the last token scores pairs as its tokenizer joins them; evalkit may warn."""
    from transformers import LlamaConfig, LlamaForSequenceClassification

    folder = tmp_path / "llama-reranker"
    vocabulary = llama_tokenizer(folder, pad_token=LAST)
    ids = {
        "bos_token_id": vocabulary[FIRST],
        "eos_token_id": vocabulary[LAST],
        "pad_token_id": vocabulary[LAST],
    }
    sizes = {"num_key_value_heads": 2, "vocab_size": vocabulary.size, "max_position_embeddings": 4096}
    save(folder, LlamaForSequenceClassification(LlamaConfig(**SMALL, **sizes, **ids, **ONE_LABEL)))
    family = "Llama sequence classifier with a pad token"
    check_layout(family, folder, pair_recipe(folder, 4096), exports="score", warns=".*")
