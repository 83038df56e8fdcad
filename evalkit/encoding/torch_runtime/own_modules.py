"""Build cross-encoders of sentence-transformers from modules that it lacks; needs the local extra."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers import CrossEncoder

from evalkit.encoding.input_forms import TokenHead
from evalkit.encoding.model_settings import ModelSettings
from evalkit.encoding.torch_runtime.first_step import FirstStep
from evalkit.encoding.torch_runtime.layerwise import LayerLogit, layer_of
from evalkit.encoding.torch_runtime.own_loading import load_own, load_tokenizer

_UNLIMITED = 1_000_000
"""Tokenizers without a length limit report a huge number instead."""
_T5_TOKENS = 512
"""Tokens to which the recipes of monoT5, mT5 and RankT5 cut inputs of models that state no limit."""


def seq2seq_model(settings: ModelSettings, head: TokenHead) -> Any:
    """Return an encoder-decoder model whose score is what `head` reads at the first step of the decoder.

    Raises
    ------
    InputError
        If the tokenizer does not know the tokens.
    """
    tokenizer = load_tokenizer(settings)
    model = load_own("AutoModelForSeq2SeqLM", settings)
    true_id, false_id = head.ids(settings.model, tokenizer, int(model.config.vocab_size))
    most = _limit(tokenizer, getattr(model.config, "n_positions", None)) or _T5_TOKENS
    return _of_module(FirstStep(model, tokenizer, true_id, false_id, most), settings)


def layerwise_model(settings: ModelSettings) -> Any:
    """Return a layerwise model whose score is the logit of the head of the configured layer.

    Raises
    ------
    InputError
        If that layer has no such head.
    """
    tokenizer = load_tokenizer(settings)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"  # its code counts positions from the first column on
    model = load_own("AutoModelForCausalLM", settings)
    layer = layer_of(settings.model, model.config, settings.cutoff_layer)
    most = _limit(tokenizer, getattr(model.config, "max_position_embeddings", None))
    return _of_module(LayerLogit(model, tokenizer, layer, most), settings)


def _limit(tokenizer: Any, positions: int | None) -> int | None:
    """Return the maximum tokens of an input: the smaller limit of tokenizer and network; None if neither has one."""
    limits = [one for one in (tokenizer.model_max_length, positions) if one is not None and one < _UNLIMITED]
    return min(map(int, limits), default=None)


def _of_module(module: Any, settings: ModelSettings) -> Any:
    return CrossEncoder(modules=[module], device=settings.device, activation_fn=torch.nn.Identity())
