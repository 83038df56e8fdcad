"""The matrix products that inputs of a model need, and the seconds that these products alone take on this machine.

Each linear layer counts for the tokens it has to read: tokens with which causal inputs begin count once for all of
them, and the last layer of a classifier that reads its first token counts for that token, except keys and values. The
speed is that of products of the same sizes in one thread, in processor time, so other programs matter little.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from evalkit.encoding.torch_runtime.first_token import FirstTokenAttention, FirstTokenLayer

BATCH_TOKENS = 1024
"""Rows of the measured products: those of a batch of evalkit."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model reads.

    Attributes
    ----------
    inputs
        Number of inputs.
    tokens
        Tokens that every layer reads.
    attended
        Pairs of tokens of which one attends to the other.
    """

    inputs: int
    tokens: float
    attended: float


@cache
def product_speed(inputs: int, outputs: int) -> float:
    """Return the floating-point operations a second of a linear layer, best of 10."""
    rows, weight = torch.randn(BATCH_TOKENS, inputs), torch.randn(outputs, inputs)
    times, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)
    for _ in range(10):
        start = time.process_time()
        torch.nn.functional.linear(rows, weight)
        times.append(time.process_time() - start)
    torch.set_num_threads(threads)
    return 2 * BATCH_TOKENS * inputs * outputs / min(times)


def product_seconds(network: Any, reading: Reading) -> float:
    """Return the processor seconds that the products take at their measured speed.

    Parameters
    ----------
    network
        The part of a model that reads every token.
    reading
        What it reads.
    """
    rows = _rows_of_layers(network, reading)
    seconds = 0.0
    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.Linear):
            sizes = layer.in_features, layer.out_features
            seconds += rows.get(name, reading.tokens) * 2 * sizes[0] * sizes[1] / product_speed(*sizes)
    config = network.config
    heads = int(getattr(config, "num_attention_heads", 0) or config.num_heads)
    size = int(
        getattr(config, "head_dim", None) or getattr(config, "d_kv", None) or config.hidden_size // heads
    )
    layers = int(config.num_hidden_layers)
    attended = layers * reading.attended
    if _reads_first_token(network):
        attended -= reading.attended - reading.tokens
    return seconds + 4 * heads * size * attended / product_speed(heads * size, heads * size)


def _reads_first_token(network: Any) -> bool:
    return any(isinstance(one, FirstTokenAttention | FirstTokenLayer) for one in network.modules())


def _rows_of_layers(network: Any, reading: Reading) -> dict[str, float]:
    """Return the tokens that the linear layers read which do not read all."""
    if not _reads_first_token(network):
        return {}
    names = [name for name, one in network.named_modules() if isinstance(one, torch.nn.Linear)]
    body = next(name for name, one in network.named_children() if one is network.base_model)
    path = "layers" if hasattr(network.base_model, "layers") else "encoder.layer"
    last = f"{body}.{path}.{network.config.num_hidden_layers - 1}."
    inside = [name for name in names if name.startswith(f"{body}.{path}.")]
    rows = {name: float(reading.inputs) for name in names if name not in inside or name.startswith(last)}
    for name in rows:
        if name.endswith((".key", ".value")):
            rows[name] = reading.tokens
        if name.endswith(".Wqkv"):
            rows[name] = (2 * reading.tokens + reading.inputs) / 3
    return rows
