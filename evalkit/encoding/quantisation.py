"""Quantise ONNX networks to 8 bits: weights ahead of time, activations at run time with one scale per token.

The dynamic quantisation of onnxruntime uses one scale per batch, so a text's score depends on the other texts of its
batch (cosines of all-MiniLM-L6 changed by up to 0.024). One scale per token takes two more passes over the
activations; scores then do not depend on the batch, at about the same speed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InputError, MissingExtraError

WEIGHT_STEPS = 64
"""Weights are -64 to 64. Processors without 8-bit dot products add two products of bytes in a 16-bit integer, which
holds 2 x 255 x 64 but not 2 x 255 x 127. With this range, scores are the same on every processor."""
ACTIVATION_STEPS = 127
_ZERO = 128
"""Zero point of the unsigned activations."""
MOST_BYTES = 1_900_000_000
"""Larger weights go to a separate file: protobuf is limited to 2 GB."""

_SCALE, _MIDDLE, _TINY = "activation_scale", "activation_zero", "activation_tiny"


def quantise(source: Path, target: Path) -> None:
    """Write a copy of a network that computes products with constant matrices in 8 bits.

    Embeddings, normalisations, attention and heads stay in fp32: quantising them gains little.

    Parameters
    ----------
    source
        An ONNX file in fp32 of opset 17 or lower.
    target
        The file to write.

    Raises
    ------
    MissingExtraError
        If onnx is not installed.
    InputError
        If the network has no constant matrix to quantise.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("a model in int8", "onnx") from None
    model = onnx.load(str(source))
    graph = model.graph
    weights = {one.name: one for one in graph.initializer if len(one.dims) == 2}
    nodes, added = _rewritten(graph.node, weights)
    if not added:
        raise InputError(
            f"the network {source} has no weights that can be quantised to int8", "use precision: fp32"
        )
    needed = {name for node in nodes for name in node.input}
    tensors = [one for one in graph.initializer if one.name in needed] + _tensors(_constants() | added)
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensors)
    if all(one.domain != "com.microsoft" for one in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    onnx.save(
        model,
        str(target),
        save_as_external_data=sum(len(one.raw_data) for one in tensors) > MOST_BYTES,
        location=f"{target.name}.data",
    )


def _constants() -> dict[str, NDArray[Any]]:
    return {
        _SCALE: np.array(1 / ACTIVATION_STEPS, dtype=np.float32),
        _MIDDLE: np.array(_ZERO, dtype=np.uint8),
        _TINY: np.array(1e-9, dtype=np.float32),
    }


def _tensors(arrays: dict[str, NDArray[Any]]) -> list[Any]:
    from onnx import numpy_helper

    return [numpy_helper.from_array(array, name) for name, array in arrays.items()]


def _rewritten(nodes: Any, weights: dict[str, Any]) -> tuple[list[Any], dict[str, NDArray[Any]]]:
    """Return the nodes with 8-bit matrix products, and the quantised weights and scales that they use."""
    from onnx import TensorProto, numpy_helper

    rewritten: list[Any] = []
    added: dict[str, NDArray[Any]] = {}
    seen: set[str] = set()
    for node in nodes:
        weight = weights.get(node.input[1]) if node.op_type == "MatMul" else None
        if weight is None or weight.data_type != TensorProto.FLOAT:
            rewritten.append(node)
            continue
        source, name = node.input[0], weight.name
        if f"{name}_int8" not in added:
            added[f"{name}_int8"], added[f"{name}_scale"] = quantised(numpy_helper.to_array(weight))
        if source not in seen:  # the projections to queries, keys and values share their activations
            seen.add(source)
            rewritten += _bytes_of(source)
        rewritten += _product(source, name, node.output[0])
    return rewritten, added


def quantised(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return ``(k, n)`` weights as integers, and the ``(n,)`` scale of each column."""
    largest = np.abs(weights).max(axis=0)
    scales = np.where(largest > 0, largest, 1).astype(np.float32) / WEIGHT_STEPS
    return np.rint(weights / scales).astype(np.int8), scales.astype(np.float32)


def _bytes_of(source: str) -> list[Any]:
    """Return nodes that compute ``<source>_bytes``, and ``<source>_largest``, each token's largest magnitude."""
    from onnx.helper import make_node

    return [
        make_node("Abs", [source], [f"{source}_sizes"]),
        make_node("ReduceMax", [f"{source}_sizes"], [f"{source}_most"], axes=[-1], keepdims=1),
        make_node("Max", [f"{source}_most", _TINY], [f"{source}_largest"]),
        make_node("Div", [source, f"{source}_largest"], [f"{source}_unit"]),
        make_node("QuantizeLinear", [f"{source}_unit", _SCALE, _MIDDLE], [f"{source}_bytes"]),
    ]


def _product(source: str, weight: str, output: str) -> list[Any]:
    from onnx.helper import make_node

    inputs = [f"{source}_bytes", f"{weight}_int8", _SCALE, f"{weight}_scale", _MIDDLE]
    return [
        make_node("MatMulIntegerToFloat", inputs, [f"{output}_unit"], domain="com.microsoft"),
        make_node("Mul", [f"{output}_unit", f"{source}_largest"], [output]),
    ]
