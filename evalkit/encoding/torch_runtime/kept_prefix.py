"""Keep the keys and values of the tokens with which several inputs of a causal model begin.

A token of a causal model attends to the tokens before it alone, so the keys and values of a prefix do not depend on
what follows. Each layer attends to them as if they had been computed with the rest of the input.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

_CACHE_NAMES = ("cache", "past_key_values")
"""Names of the parameter for keys and values in transformers: the second one is that of earlier versions."""


class _KeptLayer(DynamicLayer):  # type: ignore[misc]  # the library has no types here
    """Repeats its keys and values for every row of a batch, and keeps none of the batch's own."""

    def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Return keys and values of the prefix and of the tokens that follow it."""
        rows = len(key_states)
        return (
            torch.cat([self.keys.expand(rows, -1, -1, -1), key_states], dim=-2),
            torch.cat([self.values.expand(rows, -1, -1, -1), value_states], dim=-2),
        )


class KeptPrefix:
    """Keys and values of the tokens of a prefix, in every layer.

    Parameters
    ----------
    cache
        A cache that a pass over the ``(1, p)`` tokens has filled.
    name
        Name of the model's parameter for it.
    """

    def __init__(self, cache: DynamicCache, name: str) -> None:
        layers = []
        for filled in cache.layers:
            layer = _KeptLayer()
            layer.lazy_initialization(filled.keys, filled.values)
            layer.keys, layer.values = filled.keys, filled.values
            layers.append(layer)
        # A pass changes no layer, so batches in several threads share them.
        self._cache, self._name = Cache(layers=layers), name
        self._length = int(layers[0].get_seq_length())

    def features(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the features of tokens that follow the prefix: its cache, and positions counted from its beginning.

        Parameters
        ----------
        inputs
            Features of the tokens: ``(b, t)`` tensors.
        """
        mask = inputs["attention_mask"]
        whole = torch.cat([mask.new_ones((len(mask), self._length)), mask], dim=1)
        positions = (whole.cumsum(-1) - 1)[:, self._length :]
        return {**inputs, "attention_mask": whole, "position_ids": positions, self._name: self._cache}


def read_prefix(library_model: Any, inputs: Mapping[str, Any]) -> KeptPrefix:
    """Return the keys and values of the tokens of a prefix.

    Parameters
    ----------
    library_model
        A cross-encoder of sentence-transformers with a causal model of transformers.
    inputs
        Features of the tokens: ``(1, p)`` tensors.
    """
    name, cache = cache_name(library_model[0].model), DynamicCache()
    library_model[0]({**inputs, name: cache, "use_cache": True})
    return KeptPrefix(cache, name)


def cache_name(network: Any) -> str:
    """Return the name of a model's parameter for keys and values; empty if it has none."""
    parameters = inspect.signature(network.forward).parameters
    return next((name for name in _CACHE_NAMES if name in parameters), "")
