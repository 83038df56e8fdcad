"""Small random networks in 8 bits: they load, their names are unique, and their values are near those in fp32."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalkit.encoding.onnx_runtime.onnx_network import open_session
from evalkit.encoding.onnx_runtime.quantisation import quantise
from evalkit.errors import InputError

onnx = pytest.importorskip("onnx", reason="needs the onnx extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")

WIDTH = 16
NAMES = (
    *("x_bytes", "x_unit", "x_largest", "x_sizes", "x_most", "A_int8", "A_scale", "B_int8"),
    *(
        "activation_scale",
        "activation_zero",
        "int8/constant_0",
        "int8/constant_3",
        "int8/Abs_1",
        "_int8/Mul_2",
    ),
    *("a", "a_unit", "a_unit_unit", "a_bytes", "a_unit_bytes", "a_largest_unit"),
)
"""Names that a network may have, among them those that a quantised network has or had."""
KINDS = ("MatMul", "MatMul", "MatMul", "Relu", "Add")
Operation = tuple[str, int, int]
"""Kind, and the places of its inputs among the tensors or matrices so far."""


def matrices() -> dict[str, NDArray[np.float32]]:
    """Return two matrices that keep the size of what they multiply."""
    draw = np.random.default_rng(5)
    return {name: (draw.normal(size=(WIDTH, WIDTH)) / 4).astype(np.float32) for name in "AB"}


def save(
    file: Path, nodes: list[Any], outputs: list[str], more: dict[str, NDArray[Any]] | None = None
) -> None:
    """Save a network of these nodes, with the input x and the matrices A and B."""
    floats, info = onnx.TensorProto.FLOAT, onnx.helper.make_tensor_value_info
    held = [onnx.numpy_helper.from_array(array, name) for name, array in (matrices() | (more or {})).items()]
    shape = ["batch", "length", WIDTH]
    graph = onnx.helper.make_graph(
        nodes,
        "network",
        [info("x", floats, shape)],
        [info(name, floats, None if name == "B" else shape) for name in outputs],
        held,
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), str(file))


def operations(steps: list[Operation], names: list[str]) -> list[Any]:
    """Return nodes, each of which takes the tensors made before it."""
    tensors, nodes = ["x"], []
    for (kind, first, second), name in zip(steps, names, strict=True):
        given_names = [tensors[first % len(tensors)]]
        if kind == "MatMul":
            given_names.append("AB"[second % 2])
        elif kind == "Add":
            given_names.append(tensors[second % len(tensors)])
        nodes.append(onnx.helper.make_node(kind, given_names, [name], name=f"int8/{kind}_{len(nodes)}"))
        tensors.append(name)
    return nodes


def values(file: Path, x: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return a network's outputs."""
    return [np.asarray(one) for one in open_session(file, 1).run(None, {"x": x})]


@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=7),
    st.permutations(NAMES),
)
def test_products_in_a_row_are_near_those_in_fp32(steps: list[Operation], names: list[str]) -> None:
    """Chains and branches of products with shared matrices, whatever the tensors' names."""
    steps = [("MatMul", 0, 0), *steps]
    names = names[: len(steps)]
    x = np.random.default_rng(7).normal(size=(2, 3, WIDTH)).astype(np.float32)
    with TemporaryDirectory() as folder:
        full, small = Path(folder, "full.onnx"), Path(folder, "small.onnx")
        save(full, operations(steps, names), names)
        quantise(full, small)
        graph = onnx.load(str(small)).graph
        onnx.checker.check_model(str(small))
        wanted, found = values(full, x), values(small, x)
    made = [name for node in graph.node for name in node.output] + [one.name for one in graph.initializer]
    assert max(Counter([*made, "x"]).values()) == 1, "no tensor has the name of another"
    assert max(Counter(node.name for node in graph.node).values()) == 1, "no node has the name of another"
    assert [one.name for one in graph.output] == names
    for one, other in zip(wanted, found, strict=True):
        assert np.linalg.norm(one - other) <= 0.2 * np.linalg.norm(one) + 1e-6


def test_a_matrix_that_a_branch_reads_is_kept(tmp_path: Path) -> None:
    """A matrix of a product is kept in fp32 where a branch or an output of the network needs it."""
    floats, info = onnx.TensorProto.FLOAT, onnx.helper.make_tensor_value_info
    branches = [
        onnx.helper.make_graph(
            [onnx.helper.make_node("MatMul", ["a", matrix], [f"a_unit_{matrix}"])],
            f"branch {matrix}",
            [],
            [info(f"a_unit_{matrix}", floats, None)],
        )
        for matrix in "AB"
    ]
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "A"], ["a"]),
        onnx.helper.make_node("If", ["yes"], ["chosen"], then_branch=branches[0], else_branch=branches[1]),
    ]
    save(tmp_path / "full.onnx", nodes, ["chosen", "B"], {"yes": np.array(True)})
    quantise(tmp_path / "full.onnx", tmp_path / "small.onnx")
    x = np.ones((1, 2, WIDTH), dtype=np.float32)
    wanted, found = values(tmp_path / "full.onnx", x), values(tmp_path / "small.onnx", x)
    assert found[0] == pytest.approx(wanted[0], abs=0.05)
    assert np.array_equal(found[1], matrices()["B"])


def test_products_of_other_kinds_are_named(tmp_path: Path) -> None:
    """A network whose only products are Gemm, such as one of Conv1D layers, is refused with what it has."""
    nodes = [
        onnx.helper.make_node("Reshape", ["x", "shape"], ["flat"]),
        onnx.helper.make_node("Gemm", ["flat", "A"], ["once"]),
        onnx.helper.make_node("Gemm", ["once", "B"], ["a"]),
    ]
    save(tmp_path / "full.onnx", nodes, ["a"], {"shape": np.array([-1, WIDTH])})
    with pytest.raises(InputError, match=r"no MatMul by a constant matrix \(2 Gemm\)"):
        quantise(tmp_path / "full.onnx", tmp_path / "small.onnx")
    assert not (tmp_path / "small.onnx").exists()
