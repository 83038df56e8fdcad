"""Compute the logits of the tokens that are read, and no others.

The product with a whole vocabulary reads the largest matrix of the model for every batch, for one or two numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers.cross_encoder.modules import LogitScore


def score_answers_alone(library_model: Any) -> None:
    """Let a cross-encoder of sentence-transformers compute the logits of its answers alone; changed in place."""
    own = getattr(library_model[0], "score_answers_alone", None)
    if own is not None:
        own()
    score = next((module for module in library_model if isinstance(module, LogitScore)), None)
    if score is None or score.true_token_id is None:
        return
    read = [score.true_token_id, *([] if score.false_token_id is None else [score.false_token_id])]
    if keep_logits(library_model[0].model, read):
        score.true_token_id, score.false_token_id = 0, 1 if len(read) > 1 else None


def keep_logits(network: Any, tokens: Sequence[int]) -> bool:
    """Keep the rows of some tokens in a model's output layer, in their order; return whether that was possible.

    Parameters
    ----------
    network
        A language model, changed in place. Models with code of their own are left as they are, and those that add
        something to every logit.
    tokens
        Ids of the tokens.
    """
    layer: Any = getattr(network, "get_output_embeddings", lambda: None)()
    own_code = not type(network).__module__.startswith("transformers.models.")
    if own_code or type(layer) is not torch.nn.Linear or hasattr(network, "final_logits_bias"):
        return False
    kept = torch.nn.Linear(layer.in_features, len(tokens), bias=layer.bias is not None)
    rows = torch.tensor(list(tokens), device=layer.weight.device)
    kept.weight = torch.nn.Parameter(layer.weight.detach()[rows].clone(), requires_grad=False)
    if layer.bias is not None:
        kept.bias = torch.nn.Parameter(layer.bias.detach()[rows].clone(), requires_grad=False)
    network.set_output_embeddings(kept)
    return True
