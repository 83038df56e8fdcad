"""A layerwise model scores by the head of one layer, at the last token of each input."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from evalkit.errors import InputError

torch = pytest.importorskip("torch", reason="needs the local extra")
layerwise = pytest.importorskip("evalkit.encoding.torch_runtime.layerwise")


class Model(torch.nn.Module):  # type: ignore[misc, name-defined]
    """Gives each token its id times the layer as logit."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(use_cache=True)

    def forward(
        self, input_ids: Any, attention_mask: Any, return_dict: bool, cutoff_layers: list[int]
    ) -> Any:
        """Return a tuple with the logits of each layer."""
        assert return_dict
        assert attention_mask.shape == input_ids.shape
        return (tuple((input_ids * layer).float() for layer in cutoff_layers),)


@pytest.mark.parametrize(
    "mask", [[[1, 1, 0, 0], [1, 1, 1, 1]], [[0, 0, 1, 1], [1, 1, 1, 1]]], ids=["right", "left"]
)
def test_the_last_token_scores_on_either_padding(mask: list[list[int]]) -> None:
    """The score is the logit at the last token that is no padding."""
    ids = torch.tensor([[5, 6, 7, 8], [1, 2, 3, 4]])
    module = layerwise.LayerLogit(Model(), None, 10, None)
    scores = module({"input_ids": ids, "attention_mask": torch.tensor(mask)})["scores"]
    last = 6 if mask[0][0] else 8
    assert scores.tolist() == [[10.0 * last], [40.0]]


def config(**more: Any) -> SimpleNamespace:
    """Return the configuration of a model with heads at layers 8 to 40."""
    return SimpleNamespace(**{"start_layer": 8, "num_hidden_layers": 40, "head_type": "simple", **more})


@pytest.mark.parametrize(("asked", "layer"), [(None, 40), (8, 8), (28, 28), (40, 40)])
def test_the_last_layer_is_the_default(asked: int | None, layer: int) -> None:
    """Without a configured layer, the last one scores."""
    assert layerwise.layer_of("m", config(), asked) == layer


@pytest.mark.parametrize("layer", [1, 7, 41])
def test_layers_without_heads_are_refused(layer: int) -> None:
    """A layer without a head is refused with the range."""
    with pytest.raises(InputError, match="heads at layers 8 to 40"):
        layerwise.layer_of("m", config(), layer)


def test_heads_over_the_vocabulary_are_refused() -> None:
    """Heads that give a logit for each token have no score."""
    with pytest.raises(InputError, match="head_type 'complex'"):
        layerwise.layer_of("m", config(head_type="complex"), None)
