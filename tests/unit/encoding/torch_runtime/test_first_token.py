"""The last layer of a classifier is computed for its first token: the scores stay the same."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the local extra")
transformers = pytest.importorskip("transformers", reason="needs the local extra")
first_token = pytest.importorskip("evalkit.encoding.torch_runtime.first_token")
SIZES = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
    "initializer_range": 0.5,
    "num_labels": 2,
    "pad_token_id": 0,
}


def made(family: str, **config: Any) -> Any:
    """Return a classifier of a family with random weights."""
    torch.manual_seed(1)
    kind = getattr(transformers, f"{family}Config")
    return getattr(transformers, f"{family}ForSequenceClassification")(kind(**{**SIZES, **config})).eval()


def logits(network: Any, *, padded: bool) -> Any:
    """Return the logits of three inputs, of which two are padded or none."""
    ids = torch.randint(3, 50, (3, 12), generator=torch.Generator().manual_seed(2))
    mask = torch.ones_like(ids)
    if padded:
        mask[1, 7:], mask[2, 1:] = 0, 0
        ids = ids * mask
    with torch.inference_mode():
        return network(input_ids=ids, attention_mask=mask).logits


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("family", ["Bert", "Camembert", "Electra", "Roberta", "XLMRoberta"])
def test_scores_are_those_of_the_whole_layer(family: str, padded: bool) -> None:
    """For each family, with padding and without, the last layer returns one token and the logits are equal."""
    network, sizes = made(family), []
    wanted = logits(network, padded=padded)
    assert first_token.compute_first_token(network)
    network.base_model.encoder.layer[-1].register_forward_hook(lambda *given: sizes.append(given[2].shape[1]))
    assert wanted.max() - wanted.min() > 0.1
    torch.testing.assert_close(logits(network, padded=padded), wanted, rtol=1e-5, atol=1e-5)
    assert sizes == [1]


MODERN = {"bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("last", ["full_attention", "sliding_attention"])
@pytest.mark.parametrize("bias", [True, False])
def test_modernbert_scores_are_those_of_the_whole_layer(last: str, padded: bool, bias: bool) -> None:
    """With a last layer of each kind, also where inputs are longer than its window, and with biases or without."""
    layers = ["full_attention", last]
    config = {**MODERN, "layer_types": layers, "local_attention": 8, "attention_bias": bias, "mlp_bias": bias}
    network, sizes = made("ModernBert", **config), []
    assert network.config.layer_types == layers
    wanted = logits(network, padded=padded)
    assert first_token.compute_first_token(network)
    network.base_model.layers[-1].register_forward_hook(lambda *given: sizes.append(given[2].shape[1]))
    assert wanted.max() - wanted.min() > 0.1
    torch.testing.assert_close(logits(network, padded=padded), wanted, rtol=1e-5, atol=1e-5)
    assert sizes == [1]


@pytest.mark.parametrize("family", ["Bert", "ModernBert"])
def test_a_single_layer_is_the_last_one(family: str) -> None:
    """A model with one layer is computed for the first token, too."""
    network = made(family, num_hidden_layers=1, **(MODERN if family == "ModernBert" else {}))
    wanted = logits(network, padded=True)
    assert first_token.compute_first_token(network)
    torch.testing.assert_close(logits(network, padded=True), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "config"),
    [
        ("Bert", {"attn_implementation": "eager"}),
        ("Bert", {"is_decoder": True}),
        ("Bert", {"num_hidden_layers": 0}),
        ("ModernBert", {**MODERN, "classifier_pooling": "mean"}),
        ("DistilBert", {"dim": 16, "n_heads": 4, "hidden_dim": 32, "n_layers": 2}),
    ],
    ids=["other attention", "decoder", "no layer", "mean of tokens", "other class"],
)
def test_other_models_are_left_as_they_are(family: str, config: dict[str, Any]) -> None:
    """What is not known to read the first token alone is computed as before."""
    network = made(family, **config)
    wanted, before = logits(network, padded=True), str(network)
    assert not first_token.compute_first_token(network)
    assert str(network) == before
    assert torch.equal(logits(network, padded=True), wanted)


def test_models_with_code_of_their_own_are_left_as_they_are() -> None:
    """A class of the same name from elsewhere may read every token."""
    own = type("BertForSequenceClassification", (torch.nn.Module,), {})
    assert not first_token.compute_first_token(own())
    assert not first_token.compute_first_token(None)
