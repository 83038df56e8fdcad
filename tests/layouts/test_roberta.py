"""Cross-encoders of the RoBERTa families: byte pairs and Unigram, 512 tokens and 8192."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.recipes import pair_recipe
from support.tiny_models import ONE_LABEL, roberta_config, save, xlmr_config
from support.tiny_tokenizers import roberta_tokenizer, xlmr_tokenizer

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]


def make_xlmr(folder: Path, most: int = 512, saved: dict[str, Any] | None = None) -> Path:
    """Save an XLM-RoBERTa that scores pairs of `most` tokens; more can be set in its configuration file."""
    from transformers import XLMRobertaForSequenceClassification

    config = xlmr_config(xlmr_tokenizer(folder, most), most, **ONE_LABEL)
    return save(folder, XLMRobertaForSequenceClassification(config), **saved or {})


def make_roberta(folder: Path, **saved: Any) -> Path:
    """Save a RoBERTa that scores pairs."""
    from transformers import RobertaForSequenceClassification

    config = roberta_config(roberta_tokenizer(folder), **ONE_LABEL)
    return save(folder, RobertaForSequenceClassification(config), **saved)


def test_xlm_roberta(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """It reads 512 tokens, though its table of positions has 514 rows."""
    folder = make_xlmr(tmp_path / "bge-reranker-base")
    check_layout("bge-reranker-base and -large (XLM-R)", folder, pair_recipe(folder, 512), exports="score")


def test_xlm_roberta_of_8192_tokens(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """Nothing is cut that a model of 8192 tokens can read."""
    folder = make_xlmr(tmp_path / "bge-reranker-v2-m3", 8192)
    check_layout("bge-reranker-v2-m3 (XLM-R, 8192)", folder, pair_recipe(folder, 8192), exports="score")


def test_an_identity_named_the_old_way(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """The key that sentence-transformers used before version 4 changes no score."""
    saved = {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}
    folder = make_xlmr(tmp_path / "mmarco-mMiniLMv2-L12-H384-v1", saved=saved)
    check_layout("mmarco-mMiniLMv2 (XLM-R)", folder, pair_recipe(folder, 512), exports="score")


def test_a_sigmoid_is_not_applied(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """The score is the raw logit, which a sigmoid would not reorder."""
    sigmoid = "torch.nn.modules.activation.Sigmoid"
    folder = make_roberta(tmp_path / "stsb-distilroberta-base", sbert_ce_default_activation_function=sigmoid)
    check_layout("stsb-distilroberta-base (RoBERTa)", folder, pair_recipe(folder, 512), exports="score")


def test_no_activation_is_saved(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """Where no activation is saved, the score is the raw logit, too."""
    folder = make_roberta(tmp_path / "quora-roberta-base")
    check_layout("quora-roberta-base (RoBERTa)", folder, pair_recipe(folder, 512), exports="score")


def test_merges_without_tokenizer_json(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """Older repositories have ``vocab.json`` and ``merges.txt`` and no ``tokenizer.json``."""
    folder = make_roberta(tmp_path / "roberta-reranker")
    wanted = pair_recipe(shutil.copytree(folder, tmp_path / "whole"), 512)
    (folder / "tokenizer.json").unlink()
    check_layout("RoBERTa, vocab.json and merges.txt alone", folder, wanted)
