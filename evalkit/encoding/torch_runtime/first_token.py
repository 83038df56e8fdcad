"""Compute the last layer of a classifier for the first token alone, if no other token is read of that layer.

The classifiers of BERT's family read the first token of the last layer. This token attends to the keys and values of
all tokens, so these are computed as before; the rest of the layer, which is most of it, is computed for one token.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

_CLASSIFIERS = frozenset(
    f"{family}ForSequenceClassification"
    for family in ("Bert", "Camembert", "Electra", "Roberta", "XLMRoberta")
)


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
        mask = None if attention_mask is None else attention_mask[:, :, :1]
        attended = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.output(attended.transpose(1, 2).flatten(2), first), None


def compute_first_token(network: Any) -> bool:
    """Compute the last layer of a classifier for the first token alone; return whether that was possible.

    Parameters
    ----------
    network
        A model of transformers, changed in place. Other classes than those of BERT's family are left as they are, and
        so are models with code of their own, decoders, and implementations of attention other than torch's.
    """
    own_code = not type(network).__module__.startswith("transformers.models.")
    if own_code or type(network).__name__ not in _CLASSIFIERS:
        return False
    config = network.config
    if config.is_decoder or getattr(config, "_attn_implementation", None) != "sdpa":
        return False
    if getattr(config, "position_embedding_type", "absolute") != "absolute":
        return False
    layers = network.base_model.encoder.layer
    if not len(layers):
        return False
    layer = layers[-1]
    layer.attention = FirstTokenAttention(layer.attention)
    return True
