"""Only the logits that are read are computed: they are rows of the output layer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the local extra")
transformers = pytest.importorskip("transformers", reason="needs the local extra")
answer_logits = pytest.importorskip("evalkit.encoding.torch_runtime.answer_logits")


def made(*, tied: bool = False) -> Any:
    """Return a causal model with random weights."""
    torch.manual_seed(1)
    config = transformers.GPT2Config(
        vocab_size=30, n_positions=20, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0,
        tie_word_embeddings=tied,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config).eval()


def logits(network: Any) -> Any:
    """Return the logits of two inputs."""
    with torch.inference_mode():
        return network(input_ids=torch.tensor([[1, 2, 3], [4, 5, 6]])).logits


@pytest.mark.parametrize("tied", [True, False])
def test_the_logits_are_those_of_the_whole_vocabulary(tied: bool) -> None:
    """Logits of the tokens remain, in their order; embeddings of the input are untouched, also if shared."""
    network = made(tied=tied)
    wanted, words = logits(network)[..., [7, 3]], network.get_input_embeddings().weight.clone()
    assert answer_logits.keep_logits(network, [7, 3])
    found = logits(network)
    assert found.shape == (2, 3, 2)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
    assert torch.equal(network.get_input_embeddings().weight, words)


def test_a_bias_is_kept() -> None:
    """The output layer's bias of each token is added."""
    network = made()
    layer = torch.nn.Linear(16, 30, bias=True)
    network.set_output_embeddings(layer)
    wanted = logits(network)[..., [5]]
    assert answer_logits.keep_logits(network, [5])
    torch.testing.assert_close(logits(network), wanted, rtol=1e-5, atol=1e-6)


def test_models_that_add_to_every_logit_are_left_as_they_are() -> None:
    """Values for the whole vocabulary could not be added to a few logits."""
    network = made()
    network.final_logits_bias = torch.zeros(30)
    assert not answer_logits.keep_logits(network, [1])
    assert logits(network).shape[-1] == 30


def test_other_networks_are_left_as_they_are() -> None:
    """Code of their own, no output layer, and an output layer of another kind."""
    assert not answer_logits.keep_logits(torch.nn.Linear(2, 3), [1])
    assert not answer_logits.keep_logits(made().transformer, [1])
    network = made()
    network.set_output_embeddings(torch.nn.Sequential(network.get_output_embeddings()))
    assert not answer_logits.keep_logits(network, [1])


@pytest.mark.parametrize("false", [None, 3])
def test_the_module_that_scores_reads_the_kept_rows(false: int | None) -> None:
    """The ids of the answers become their places among the kept rows."""
    network = made()
    score = answer_logits.LogitScore(true_token_id=7, false_token_id=false)
    before = logits(network)

    class Model(list):  # type: ignore[type-arg]
        """A cross-encoder's modules."""

    answer_logits.score_answers_alone(Model([SimpleNamespace(model=network), score]))
    assert (score.true_token_id, score.false_token_id) == (0, None if false is None else 1)
    read = [7] if false is None else [7, false]
    torch.testing.assert_close(logits(network), before[..., read], rtol=1e-5, atol=1e-6)


def test_a_model_without_answers_is_left_as_it_is() -> None:
    """A classifier has no module that reads tokens."""
    network = made()
    answer_logits.score_answers_alone([SimpleNamespace(model=network)])
    assert logits(network).shape[-1] == 30
