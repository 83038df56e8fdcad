"""Quantise ONNX networks to 8 bits: weights ahead of time, activations at run time with one scale per token.

The dynamic quantisation of onnxruntime uses one scale per batch, so a text's score depends on the other texts of its
batch (cosines of all-MiniLM-L6 changed by up to 0.024). One scale per token takes two more passes over the
activations; scores then do not depend on the batch, at about the same speed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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
_OTHER_PRODUCTS = ("Conv", "Einsum", "Gemm", "MatMul")
"""Operators with products that may remain in fp32."""


def quantise(source: Path, target: Path) -> None:
    """Write a copy of a network that computes products with constant matrices in 8 bits.

    Quantised are the nodes ``MatMul`` of the main graph whose second factor is a constant matrix: the linear layers
    that are applied to every token. Embeddings, normalisations, attention and the layers with bias that are applied
    to one vector per text (``Gemm``: poolers, heads) stay in fp32: quantising them gains little.

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
    rewriter = _Rewriter(graph)
    nodes = [new for node in graph.node for new in rewriter.rewritten(node)]
    if not rewriter.replaced:
        raise InputError(f"the network {source} {_without_products(graph)}", "use precision: fp32")
    del graph.node[:]
    graph.node.extend(nodes)
    unused = rewriter.replaced - _used_names(graph)
    tensors = [one for one in graph.initializer if one.name not in unused] + rewriter.tensors()
    del graph.initializer[:]
    graph.initializer.extend(tensors)
    if all(one.domain != "com.microsoft" for one in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    onnx.save(
        model,
        str(target),
        save_as_external_data=sum(len(one.raw_data) for one in tensors) > MOST_BYTES,
        location=f"{target.name}.data",
    )


def quantised(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return ``(k, n)`` weights as integers, and the ``(n,)`` scale of each column."""
    largest = np.abs(weights).max(axis=0)
    scales = np.where(largest > 0, largest, 1).astype(np.float32) / WEIGHT_STEPS
    return np.rint(weights / scales).astype(np.int8), scales.astype(np.float32)


class _Rewriter:
    """Replaces the matrix products of a graph, in the order of its nodes.

    Attributes
    ----------
    replaced
        Names of the matrices of the products replaced so far.
    """

    def __init__(self, graph: Any) -> None:
        self._weights = _constant_matrices(graph)
        self._prefix = _unused_prefix(_all_names(graph))
        self._arrays: dict[str, NDArray[Any]] = {}
        self._scale = self._constant(np.array(1 / ACTIVATION_STEPS, dtype=np.float32))
        self._middle = self._constant(np.array(_ZERO, dtype=np.uint8))
        self._tiny = self._constant(np.array(1e-9, dtype=np.float32))
        self._activations: dict[str, tuple[str, str]] = {}
        self._matrices: dict[str, tuple[str, str]] = {}
        self._count = 0

    @property
    def replaced(self) -> set[str]:
        return set(self._matrices)

    def tensors(self) -> list[Any]:
        """Return the constants of the new nodes."""
        from onnx import numpy_helper

        return [numpy_helper.from_array(array, name) for name, array in self._arrays.items()]

    def rewritten(self, node: Any) -> list[Any]:
        """Return the nodes that compute what `node` computes; the node itself if it is no product to quantise."""
        weight = self._weights.get(node.input[1]) if node.op_type == "MatMul" and not node.domain else None
        if weight is None:
            return [node]
        source = node.input[0]
        made: list[Any] = []
        # The projections to queries, keys and values share their activations.
        if source not in self._activations:
            self._activations[source] = self._quantised_activations(source, made)
        if weight.name not in self._matrices:
            self._matrices[weight.name] = self._quantised_matrix(weight)
        (small, largest), (whole, scales) = self._activations[source], self._matrices[weight.name]
        inputs = [small, whole, self._scale, scales, self._middle]
        unit = self._node(made, "MatMulIntegerToFloat", inputs, domain="com.microsoft")
        self._node(made, "Mul", [unit, largest], output=node.output[0])
        return made

    def _quantised_activations(self, source: str, made: list[Any]) -> tuple[str, str]:
        """Append nodes that quantise `source`; return the names of its bytes and of each token's magnitude."""
        sizes = self._node(made, "Abs", [source])
        most = self._node(made, "ReduceMax", [sizes], axes=[-1], keepdims=1)
        largest = self._node(made, "Max", [most, self._tiny])
        unit = self._node(made, "Div", [source, largest])
        return self._node(made, "QuantizeLinear", [unit, self._scale, self._middle]), largest

    def _quantised_matrix(self, weight: Any) -> tuple[str, str]:
        """Return the names of a matrix's integers and of its columns' scales."""
        from onnx import numpy_helper

        whole, scales = quantised(numpy_helper.to_array(weight))
        return self._constant(whole), self._constant(scales)

    def _constant(self, array: NDArray[Any]) -> str:
        name = f"{self._prefix}constant_{len(self._arrays)}"
        self._arrays[name] = array
        return name

    def _node(
        self, made: list[Any], kind: str, inputs: list[str], output: str | None = None, **attributes: Any
    ) -> str:
        """Append a node and return the name of its output.

        Names are numbered and not derived from the names of inputs and outputs: those of two products in a row, or of
        a product and a node of the graph, could be the same.
        """
        from onnx.helper import make_node

        self._count += 1
        name = f"{self._prefix}{kind}_{self._count}"
        made.append(make_node(kind, inputs, [output or name], name=name, **attributes))
        return output or name


def _constant_matrices(graph: Any) -> dict[str, Any]:
    """Return the matrices in fp32 that no input of the graph can replace, by name."""
    from onnx import TensorProto

    inputs = {one.name for one in graph.input}
    return {
        one.name: one
        for one in graph.initializer
        if len(one.dims) == 2
        and all(one.dims)
        and one.data_type == TensorProto.FLOAT
        and one.name not in inputs
    }


def _subgraphs(graph: Any) -> Iterator[Any]:
    """Yield a graph, and the graphs in its nodes: branches and loops, which use the names of those around them."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.output:
                    yield from _subgraphs(inner)


def _used_names(graph: Any) -> set[str]:
    """Return the names of the tensors that nodes read or graphs return."""
    graphs = list(_subgraphs(graph))
    read = {name for one in graphs for node in one.node for name in node.input}
    return read | {tensor.name for one in graphs for tensor in one.output}


def _all_names(graph: Any) -> set[str]:
    """Return the names of all tensors and nodes of a graph."""
    names: set[str] = set()
    for one in _subgraphs(graph):
        names |= {tensor.name for tensor in (*one.input, *one.output, *one.initializer, *one.value_info)}
        names |= {tensor.values.name for tensor in one.sparse_initializer}
        for node in one.node:
            names |= {node.name, *node.input, *node.output}
    return names


def _unused_prefix(names: set[str]) -> str:
    """Return a prefix with which none of the names starts."""
    prefix = "int8/"
    while any(name.startswith(prefix) for name in names):
        prefix = f"_{prefix}"
    return prefix


def _without_products(graph: Any) -> str:
    """Return what a network has in place of products that can be quantised."""
    counts = Counter(node.op_type for node in graph.node if node.op_type in _OTHER_PRODUCTS)
    others = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "none at all"
    return (
        "has no weights that can be quantised to int8: its products are no MatMul by a constant matrix"
        f" ({others})"
    )
