"""Cross-encoders of further encoders: DeBERTa, ModernBERT, ELECTRA, ALBERT, DistilBERT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.recipes import pair_recipe
from support.tiny_models import ONE_LABEL, SMALL, deberta_config, modernbert_config, save
from support.tiny_tokenizers import (
    albert_tokenizer,
    bert_tokenizer,
    deberta_tokenizer,
    modernbert_tokenizer,
)

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
NLI = {0: "contradiction", 1: "entailment", 2: "neutral"}


def make_deberta(folder: Path, **config: Any) -> Path:
    """Save a DeBERTa that scores pairs."""
    from transformers import DebertaV2ForSequenceClassification

    made = deberta_config(deberta_tokenizer(folder), **config)
    return save(folder, DebertaV2ForSequenceClassification(made))


def make_nli(folder: Path) -> Path:
    """Save a DeBERTa with the three labels of natural language inference."""
    return make_deberta(
        folder, num_labels=3, id2label=NLI, label2id={name: place for place, name in NLI.items()}
    )


def test_deberta(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """Relative positions and no segments."""
    folder = make_deberta(tmp_path / "mxbai-rerank-base-v1", **ONE_LABEL)
    check_layout("mxbai-rerank-base-v1 (DeBERTa-v2)", folder, pair_recipe(folder, 512), exports="score")


def test_inference_as_relevance(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """Of three labels, the named one scores its log odds against the two others."""
    folder = make_nli(tmp_path / "nli-deberta-v3-base")
    recipe = pair_recipe(folder, 512, 1)
    family = "nli-deberta-v3-base (DeBERTa-v2, 3 labels), label: entailment"
    check_layout(family, folder, recipe, exports="score", label="entailment")


def test_inference_without_a_label(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """The sentence names the labels."""
    folder = make_nli(tmp_path / "nli-deberta-v3-base")
    family = "nli-deberta-v3-base (DeBERTa-v2, 3 labels), no label"
    check_refused(family, folder, "has 3 labels: 0 'contradiction', 1 'entailment'", hint="label")


@pytest.mark.parametrize(
    ("name", "pooling"),
    [("gte-reranker-modernbert-base", "mean"), ("granite-embedding-reranker-english-r2", "cls")],
)
def test_modernbert(tmp_path: Path, check_layout: Callable[..., Any], name: str, pooling: str) -> None:
    """Its head reads the mean of all tokens, or the first; attention is local in every second layer."""
    from transformers import ModernBertForSequenceClassification

    folder = tmp_path / name
    config = modernbert_config(modernbert_tokenizer(folder), classifier_pooling=pooling, **ONE_LABEL)
    save(folder, ModernBertForSequenceClassification(config))
    check_layout(f"{name} (ModernBERT, {pooling})", folder, pair_recipe(folder, 8192), exports="score")


def test_electra(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """Its embeddings are smaller than its layers."""
    from transformers import ElectraConfig, ElectraForSequenceClassification

    folder = tmp_path / "ms-marco-electra-base"
    sizes = {"vocab_size": bert_tokenizer(folder).size, "embedding_size": 16, "max_position_embeddings": 512}
    save(folder, ElectraForSequenceClassification(ElectraConfig(**SMALL, **sizes, **ONE_LABEL)))
    check_layout("ms-marco-electra-base (ELECTRA)", folder, pair_recipe(folder, 512), exports="score")


def test_albert(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """All its layers are one."""
    from transformers import AlbertConfig, AlbertForSequenceClassification

    folder = tmp_path / "albert-reranker"
    sizes = {"vocab_size": albert_tokenizer(folder).size, "embedding_size": 16, "pad_token_id": 0}
    config = AlbertConfig(**SMALL, **sizes, max_position_embeddings=512, **ONE_LABEL)
    save(folder, AlbertForSequenceClassification(config))
    check_layout("albert reranker (ALBERT)", folder, pair_recipe(folder, 512), exports="score")


def test_distilbert(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """It takes no segments, which its tokenizer would give."""
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    folder = tmp_path / "distilbert-reranker"
    sizes = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "max_position_embeddings": 512}
    config = DistilBertConfig(**sizes, vocab_size=bert_tokenizer(folder).size, **ONE_LABEL)
    save(folder, DistilBertForSequenceClassification(config))
    recipe = pair_recipe(folder, 512, return_token_type_ids=False)
    check_layout("DistilBERT with BERT's tokenizer", folder, recipe, exports="score")
