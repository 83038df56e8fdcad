"""Cross-encoders that are a BERT, in the layouts that repositories of them have."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.recipes import pair_recipe
from support.tiny_models import ONE_LABEL, SHORT, bert_config, save
from support.tiny_tokenizers import bert_tokenizer, xlmr_tokenizer

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
    folder = make_bert(tmp_path / "ms-marco-MiniLM-L6-v2", **ONE_LABEL, sentence_transformers=IDENTITY)
    check_layout("ms-marco-MiniLM-L6-v2 (BERT)", folder, pair_recipe(folder, 512), exports="score")


def test_texts_that_look_like_files(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """A text that is an address or a name of a picture is a text."""
    folder = make_bert(tmp_path / "ms-marco-MiniLM-L6-v2", **ONE_LABEL)
    pairs = [("what", "https://example.com/cat.png"), ("https://example.com/q.mp4", "photo.jpg"), SHORT[0]]
    pairs += [("what", "data:image/png;base64,AAAA"), ("a", "see https://example.com/a.wav")]
    family = "ms-marco-MiniLM-L6-v2 (BERT), texts like pictures"
    check_layout(family, folder, pair_recipe(folder, 512), pairs=pairs)


def test_a_hub_id(hub_folder: Callable[[str], Path], check_layout: Callable[..., Any]) -> None:
    """A model in the cache of the hub is found by its id, without the network."""
    hub_id = "cross-encoder/ms-marco-MiniLM-L6-v2"
    folder = make_bert(hub_folder(hub_id), **ONE_LABEL, sentence_transformers=IDENTITY)
    check_layout(f"hub id {hub_id} (BERT)", hub_id, pair_recipe(folder, 512), exports="score")


@pytest.mark.parametrize("label", [1, "LABEL_1"])
def test_two_labels(tmp_path: Path, check_layout: Callable[..., Any], label: int | str) -> None:
    """Of two labels, the named one scores its log odds, by number and by name."""
    folder = make_bert(tmp_path / "bert-multilingual-passage-reranking-msmarco", num_labels=2)
    family = f"amberoad (BERT, 2 labels), label: {label}"
    check_layout(family, folder, pair_recipe(folder, 512, 1), exports="score", label=label)


def test_two_labels_and_none_named(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Of two labels, none is guessed."""
    folder = make_bert(tmp_path / "bert-multilingual-passage-reranking-msmarco", num_labels=2)
    check_refused("amberoad (BERT, 2 labels), no label", folder, "has 2 labels", hint="label")


def test_saved_by_sentence_transformers(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """What the library saved today is read back as it was."""
    from sentence_transformers import CrossEncoder

    made = make_bert(tmp_path / "made", **ONE_LABEL, sentence_transformers=IDENTITY)
    folder = tmp_path / "saved"
    CrossEncoder(str(made), device="cpu").save_pretrained(str(folder))
    family = "CrossEncoder saved by sentence-transformers 6 (BERT)"
    check_layout(family, folder, pair_recipe(folder, 512), exports="score")


def test_a_vocabulary_alone(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """Older repositories have ``vocab.txt`` and no ``tokenizer.json``."""
    folder = make_bert(tmp_path / "bert-reranker", **ONE_LABEL)
    wanted = pair_recipe(shutil.copytree(folder, tmp_path / "whole"), 512)
    (folder / "tokenizer.json").unlink()
    check_layout("BERT, vocab.txt alone", folder, wanted)


def test_weights_of_pickle(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """Older repositories have ``pytorch_model.bin`` and no ``model.safetensors``."""
    import torch
    from safetensors.torch import load_file

    folder = make_bert(tmp_path / "bert-reranker", **ONE_LABEL)
    wanted = pair_recipe(shutil.copytree(folder, tmp_path / "whole"), 512)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    check_layout("BERT, pytorch_model.bin alone", folder, wanted)


def test_weights_in_sixteen_bits(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """A checkpoint in bf16 is run in fp32 unless another precision is configured."""
    import torch
    from transformers import BertForSequenceClassification

    made = make_bert(tmp_path / "made", **ONE_LABEL)
    folder = tmp_path / "bert-bf16"
    BertForSequenceClassification.from_pretrained(made).to(torch.bfloat16).save_pretrained(folder)
    bert_tokenizer(folder)
    check_layout("BERT, checkpoint in bf16", folder, pair_recipe(folder, 512), exports="score")


def test_a_tokenizer_without_segments(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """A BERT whose tokenizer is XLM-R's is fed no segments, on ONNX neither."""
    from transformers import BertForSequenceClassification

    folder = tmp_path / "multilingual-minilm"
    config = bert_config(xlmr_tokenizer(folder), pad_token_id=1, **ONE_LABEL)
    save(folder, BertForSequenceClassification(config))
    check_layout("BERT with XLM-R's tokenizer", folder, pair_recipe(folder, 512), exports="score")
