"""Weights in the files of a model that it has no place for: which change its scores, and what can be done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from support.models import tiny

from evalkit.encoding.checkpoints.unused_weights import adapter_advice, check_unused
from evalkit.errors import InputError

torch = pytest.importorskip("torch", reason="needs the local extra")
transformers = pytest.importorskip("transformers")
LAYER = "encoder.layer.0.attention.self"


def said(names: Iterable[str], name: str = "BertForSequenceClassification", **config: Any) -> str:
    """Return what is said about unexpected weights of a BERT of two layers; empty if they are accepted."""
    model = getattr(transformers, name)(transformers.BertConfig(**tiny(num_hidden_layers=2, **config)))
    try:
        check_unused("m", model, names)
    except InputError as error:
        return f"{error} / {error.hint}"
    return ""


@pytest.mark.parametrize("name", ["BertForSequenceClassification", "BertModel"])
@pytest.mark.parametrize("prefix", ["", "bert."])
@pytest.mark.parametrize(
    "weight",
    [
        "encoder.layer.2.output.dense.weight",
        f"{LAYER}.distance_embedding.weight",
        f"{LAYER}.query.lora_A.default.weight",
        "embeddings.projection.weight",
        "pooler.dense.scale",
    ],
)
def test_weights_inside_a_part_of_the_model_are_refused(name: str, prefix: str, weight: str) -> None:
    """With the prefix of the body or without it, whether the loaded model has that prefix or not."""
    assert f"for which its {name} has no place: {prefix}{weight} /" in said([f"{prefix}{weight}"], name)


@pytest.mark.parametrize("name", ["BertForSequenceClassification", "BertModel"])
@pytest.mark.parametrize(
    "weight",
    [
        "cls.predictions.transform.dense.weight",
        "cls.seq_relationship.bias",
        "lm_head.weight",
        "qa_outputs.bias",
        "bert.projection.weight",
        "embeddings.position_ids",
        "bert.embeddings.position_ids",
        f"bert.{LAYER}.rotary_emb.inv_freq",
        "bert.encoder.layer.0.attention.masked_bias",
        "bert.encoder.version",
    ],
)
def test_other_heads_and_computed_numbers_are_accepted(name: str, weight: str) -> None:
    """What the model lacks as a whole is of another task, and computed numbers are computed again."""
    assert not said([weight], name)


def test_a_head_that_the_body_lacks_is_accepted() -> None:
    """The body alone of a classifier is read without its head."""
    assert not said(["classifier.weight", "classifier.out_proj.bias"], "BertModel")


def test_a_head_of_another_shape_is_refused() -> None:
    """The model has a classifier, and the files have more of it."""
    assert "classifier.out_proj.weight" in said(["classifier.out_proj.weight"])


def test_three_are_named() -> None:
    """The first ones, sorted, and the number of the others."""
    names = [f"encoder.layer.{number}.output.dense.weight" for number in (5, 4, 3, 2)]
    assert "layer.2.output.dense.weight, encoder.layer.3." in said(names)
    assert "layer.4.output.dense.weight and 1 more /" in said(names)


@pytest.mark.parametrize(
    ("weight", "config", "advice"),
    [
        (
            "encoder.layer.2.output.dense.weight",
            {},
            "set the number of layers in its config.json (num_hidden_layers)",
        ),
        (f"{LAYER}.query.lora_B.weight", {}, "merge the adapter"),
        (f"{LAYER}.distance_embedding.weight", {"transformers_version": "4.40.0"}, "install version 4.40.0"),
        (f"{LAYER}.distance_embedding.weight", {}, "install the version that its model card names"),
    ],
)
def test_the_hint_is_for_the_cause(weight: str, config: dict[str, Any], advice: str) -> None:
    """More layers, an adapter, or a part that this version of transformers no longer has."""
    assert advice in said([weight], **config)


def test_weights_of_an_adapter_are_recognised_by_their_names() -> None:
    """PEFT also renames the weights that it adapts, which are then missing."""
    assert adapter_advice([f"{LAYER}.query.base_layer.weight"])
    assert adapter_advice([f"{LAYER}.query.weight"]) is None
