"""Cross-encoders of the BERT family, laid out as their repositories are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.recipes import pair_recipe
from support.tiny_models import ONE_LABEL, bert_config, save
from support.tiny_tokenizers import bert_tokenizer

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
IDENTITY = {"activation_fn": "torch.nn.modules.linear.Identity", "version": "4.0.1"}


def make_bert(folder: Path, **config: Any) -> Path:
    """Save a BERT that scores pairs."""
    from transformers import BertForSequenceClassification

    return save(folder, BertForSequenceClassification(bert_config(bert_tokenizer(folder), **config)))


def test_one_label(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """The cross-encoders of sentence-transformers score their raw logit."""
    folder = make_bert(tmp_path, **ONE_LABEL, sentence_transformers=IDENTITY)
    check_layout("ms-marco-MiniLM-L6-v2 (BERT)", folder, pair_recipe(folder, 512), exports="score")


@pytest.mark.parametrize("label", [1, "LABEL_1"])
def test_two_labels(tmp_path: Path, check_layout: Callable[..., Any], label: int | str) -> None:
    """Of two labels, the named one scores its log odds, by number and by name."""
    folder = make_bert(tmp_path, num_labels=2)
    family = f"amberoad (BERT, 2 labels), label: {label}"
    check_layout(family, folder, pair_recipe(folder, 512, 1), exports="score", label=label)


def test_two_labels_and_none_named(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Of two labels, none is guessed."""
    folder = make_bert(tmp_path, num_labels=2)
    check_refused("amberoad (BERT, 2 labels), no label", folder, "has 2 labels", hint="label")
