"""Score pairs by the head of one layer of a layerwise reranker, with the code in the model's repository.

Source: the usage on the card of bge-reranker-v2-minicpm-layerwise: ``model(**inputs, cutoff_layers=[28])`` stops after
that layer, and the score is the logit at the last token.
"""

from __future__ import annotations

from typing import Any

import torch

from evalkit.errors import InputError

_ONE_LOGIT = "simple"
"""Type of heads with one logit."""


class LayerLogit(torch.nn.Module):  # type: ignore[misc]
    """Returns the logit at the last token of a layer's head.

    Parameters
    ----------
    model
        A layerwise causal model of transformers.
    tokenizer
        Its tokenizer.
    layer
        The last layer that is computed.
    max_seq_length
        Maximum tokens of an input.
    """

    def __init__(self, model: Any, tokenizer: Any, layer: int, max_seq_length: int | None) -> None:
        super().__init__()
        self.model, self.tokenizer, self.max_seq_length = model, tokenizer, max_seq_length
        self._layer = layer
        # One pass reads the whole input: a cache of keys and values would only cost memory.
        model.config.use_cache = False

    @property
    def auto_model(self) -> Any:
        """The model of transformers, under the name that modules of sentence-transformers have for it."""
        return self.model

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Return the features with ``scores``, a ``(b, 1)`` tensor."""
        mask = features["attention_mask"]
        outputs = self.model(
            input_ids=features["input_ids"],
            attention_mask=mask,
            return_dict=True,
            cutoff_layers=[self._layer],
        )
        last = mask.shape[1] - 1 - mask.flip(1).argmax(dim=1, keepdim=True)
        logits = outputs[0][0].reshape(mask.shape)
        return {**features, "scores": logits.gather(1, last)}


def layer_of(name: str, config: Any, cutoff_layer: int | None) -> int:
    """Return the last layer that is computed: the configured one, else the last one.

    Parameters
    ----------
    name
        Folder or hub id, for messages.
    config
        Configuration of the model.
    cutoff_layer
        The configured layer; None for the last one.

    Raises
    ------
    InputError
        If the layer has no head, or the heads do not give one logit.
    """
    first, last = int(getattr(config, "start_layer", 1)), int(config.num_hidden_layers)
    head = getattr(config, "head_type", _ONE_LOGIT)
    if head != _ONE_LOGIT:
        raise InputError(
            f"the model {name!r} is a layerwise reranker with head_type {head!r}: its layers give a logit for each"
            " token of the vocabulary and not one score",
            f"use a layerwise reranker with head_type {_ONE_LOGIT!r}",
        )
    layer = last if cutoff_layer is None else cutoff_layer
    if not first <= layer <= last:
        raise InputError(
            f"cutoff_layer {layer} has no head: the model {name!r} has heads at layers {first} to {last}",
            f"set cutoff_layer to {first} to {last}",
        )
    return layer
