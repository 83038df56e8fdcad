"""Compute the last layer of a classifier for the first token alone, if no other token is read of that layer.

The classifiers of BERT's family read the first token of the last layer, and so do those of ModernBERT by default. This
token attends to the keys and values of all tokens, so these are computed as before; the rest of the layer, which is
most of it, is computed for one token.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import linear, scaled_dot_product_attention

_BERT_CLASSIFIERS = frozenset(
    f"{family}ForSequenceClassification"
    for family in ("Bert", "Camembert", "Electra", "Roberta", "XLMRoberta")
)
_MODERN_CLASSIFIER = "ModernBertForSequenceClassification"


class FirstTokenAttention(torch.nn.Module):  # type: ignore[misc]  # the library has no types here
    """Attention of the first token to all tokens, with the weights of a layer's own attention.

    Parameters
    ----------
    attention
        The attention of a layer of BERT's family in transformers.
    """

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.self, self.output = attention.self, attention.output

    def forward(self, hidden_states: Any, attention_mask: Any = None, **_: Any) -> tuple[Any, None]:
        """Return ``(b, 1, dimension)``, as the first row of the layer's own attention, and no weights.

        Parameters
        ----------
        hidden_states
            ``(b, t, dimension)``.
        attention_mask
            ``(b, 1, t, t)`` or ``(b, 1, 1, t)``; None if all tokens are attended to.
        """
        first, own = hidden_states[:, :1], self.self
        sizes = (own.num_attention_heads, own.attention_head_size)
        query, key, value = (
            layer(states).unflatten(-1, sizes).transpose(1, 2)
            for layer, states in ((own.query, first), (own.key, hidden_states), (own.value, hidden_states))
        )
        return self.output(_attended(query, key, value, attention_mask), first), None


class FirstTokenLayer(torch.nn.Module):  # type: ignore[misc]
    """A layer of ModernBERT for the first token, which attends to all tokens, with the layer's own weights.

    Parameters
    ----------
    layer
        The layer of transformers.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.attn_norm, self.attn = layer.attn_norm, layer.attn
        self.mlp_norm, self.mlp = layer.mlp_norm, layer.mlp
        self.attention_type = layer.attention_type

    def forward(
        self, hidden_states: Any, attention_mask: Any = None, position_embeddings: Any = None, **_: Any
    ) -> Any:
        """Return ``(b, 1, dimension)``, as the first row of the layer's own output.

        Parameters
        ----------
        hidden_states
            ``(b, t, dimension)``.
        attention_mask
            ``(b, 1, t, t)``; None if all tokens are attended to.
        position_embeddings
            Cosines and sines of the positions, ``(1, t, size of a head)`` each.
        """
        own, states = self.attn, self.attn_norm(hidden_states)
        (query,) = self._projected(states[:, :1], slice(0, 1))
        key, value = self._projected(states, slice(1, 3))
        cosines, sines = position_embeddings
        query = _rotated(query, cosines[:, :1], sines[:, :1])
        attended = _attended(query, _rotated(key, cosines, sines), value, attention_mask)
        first = hidden_states[:, :1] + own.Wo(attended)
        return first + self.mlp(self.mlp_norm(first))

    def _projected(self, states: Any, parts: slice) -> tuple[Any, ...]:
        """Return some of queries, keys and values, which one matrix computes: ``(b, heads, t, size)`` each."""
        whole = self.attn.Wqkv
        weight = whole.weight.unflatten(0, (3, -1))[parts].flatten(0, 1)
        bias = None if whole.bias is None else whole.bias.unflatten(0, (3, -1))[parts].flatten()
        count = parts.stop - parts.start
        found = linear(states, weight, bias).unflatten(-1, (count, -1, self.attn.head_dim))
        return tuple(part.transpose(1, 2) for part in found.unbind(-3))


def _attended(query: Any, key: Any, value: Any, mask: Any) -> Any:
    """Return ``(b, 1, dimension)`` values that the first token attends to; the mask is that of all tokens, or None."""
    first = None if mask is None else mask[:, :, :1]
    return scaled_dot_product_attention(query, key, value, attn_mask=first).transpose(1, 2).flatten(2)


def _rotated(states: Any, cosines: Any, sines: Any) -> Any:
    """Return ``(b, heads, t, size)`` with positions as ModernBERT has them, which computes them in float32."""
    wide = states.float()
    low, high = wide.chunk(2, dim=-1)
    turned = torch.cat([-high, low], dim=-1)
    return (wide * cosines.unsqueeze(1) + turned * sines.unsqueeze(1)).to(states.dtype)


def compute_first_token(network: Any) -> bool:
    """Compute the last layer of a classifier for the first token alone; return whether that was possible.

    Parameters
    ----------
    network
        A model of transformers, changed in place. Other classes than those of BERT's family and ModernBERT are left as
        they are, and so are models with code of their own, decoders, classifiers that average all tokens, and
        implementations of attention other than torch's.
    """
    if not type(network).__module__.startswith("transformers.models."):
        return False
    if getattr(network.config, "_attn_implementation", None) != "sdpa":
        return False
    name = type(network).__name__
    if name == _MODERN_CLASSIFIER and network.config.classifier_pooling == "cls":
        layers = network.base_model.layers
        layers[-1] = FirstTokenLayer(layers[-1])
        return True
    if name not in _BERT_CLASSIFIERS or network.config.is_decoder:
        return False
    if getattr(network.config, "position_embedding_type", "absolute") != "absolute":
        return False
    layers = network.base_model.encoder.layer
    if len(layers):
        layers[-1].attention = FirstTokenAttention(layers[-1].attention)
    return bool(len(layers))
