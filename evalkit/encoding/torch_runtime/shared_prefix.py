"""Find out whether a model scores the same if tokens with which several inputs begin are read once."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from evalkit.encoding.engine import Network
from evalkit.encoding.library_errors import OutOfMemoryError
from evalkit.encoding.packing import Padded, pad
from evalkit.encoding.prefixes import PrefixReader, common_prefix
from evalkit.encoding.tokens import Item, Tokeniser
from evalkit.errors import InputError

_WINDOWS = ("sliding_window", "attention_chunk_size", "attention_window", "window_size", "local_attention")
"""Values of a configuration with which a token attends only to some of the tokens before it."""
_PROBES: tuple[Item, ...] = (
    ("How do I reset it?", "a"),
    ("How do I reset it?", "Hold the button for 10 seconds: the light goes off."),
)


def keeps_every_token(library_model: Any) -> bool:
    """Return whether every layer of a model may attend to all tokens before, as far as its configuration says."""
    network: Any = getattr(library_model[0], "model", None)
    if not type(network).__module__.startswith("transformers.models."):
        return False
    config = network.config
    if config.get_text_config() is not config or getattr(network, "_is_stateful", False):
        return False
    if getattr(config, "is_encoder_decoder", False):
        return False
    layers = getattr(config, "layer_types", None) or ()
    if any(layer != "full_attention" for layer in layers):
        return False
    windows = any(getattr(config, name, None) for name in _WINDOWS)
    return not windows or getattr(config, "use_sliding_window", True) is False


class ReadingNetwork(Network, PrefixReader, Protocol):
    """A network that can read a prefix apart."""


def scores_agree(network: ReadingNetwork, tokeniser: Tokeniser, rounding: float) -> bool:
    """Return whether a model scores two pairs with a shared prefix as it does without.

    Models that are not causal, keep a state instead of keys and values, or count positions in their own way do not.

    Parameters
    ----------
    network, tokeniser
        The model.
    rounding
        Largest difference that rounding explains, relative to a score or to 1.
    """
    tokens, rows = tokeniser(_PROBES), np.arange(len(_PROBES))
    length, left = common_prefix(tokens, rows), tokeniser.pads_left
    if not length:
        return False

    def padded(some: Any, first: int, last: int | None, prefix: object = None) -> Padded:
        return pad(tokens, some, tokeniser.pad_id, left=left, columns=slice(first, last), prefix=prefix)

    try:
        whole = np.asarray(network.forward(padded(rows, 0, None), None), dtype=np.float64)
        kept = network.read_prefix(padded(rows[:1], 0, length), None)
        apart = np.asarray(network.forward(padded(rows, length, None, kept), None), dtype=np.float64)
    except (InputError, OutOfMemoryError):
        return False
    if whole.shape != apart.shape or not np.isfinite(whole).all():
        return False
    return bool((np.abs(whole - apart) <= rounding * np.abs(whole).clip(min=1.0)).all())
