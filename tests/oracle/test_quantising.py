"""Networks in 8 bits beside what they should compute, written with numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.models import make_classifier

from evalkit.encoding.onnx_runtime import quantisation
from evalkit.encoding.onnx_runtime.onnx_network import open_session
from evalkit.encoding.onnx_runtime.quantisation import ACTIVATION_STEPS, WEIGHT_STEPS, quantise, quantised
from evalkit.errors import InputError
from evalkit.rerankers import load_reranker

onnx = pytest.importorskip("onnx", reason="needs the onnx extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")

K, N = 40, 24


def network(weights: NDArray[np.float32], file: Path) -> Path:
    """Save x -> relu(x W) and x -> x W + row 3 of W: one matrix, used by two products and a lookup."""
    make, tensor = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes = [
        make("MatMul", ["x", "W"], ["once"]),
        make("Relu", ["once"], ["one"]),
        make("MatMul", ["x", "W"], ["again"]),
        make("Gather", ["W", "row"], ["looked up"]),
        make("Add", ["again", "looked up"], ["other"]),
    ]
    kind = onnx.TensorProto.FLOAT
    held = [onnx.numpy_helper.from_array(weights, "W"), onnx.numpy_helper.from_array(np.array(3), "row")]
    graph = onnx.helper.make_graph(
        nodes,
        "two products",
        [tensor("x", kind, ["batch", "length", K])],
        [tensor("one", kind, ["batch", "length", N]), tensor("other", kind, ["batch", "length", N])],
        held,
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), str(file))
    return file


def by_hand(x: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.float64]:
    """Return the product of whole numbers, scaled by row and column."""
    largest = np.abs(x).max(axis=-1, keepdims=True)
    whole = np.rint(x / np.maximum(largest, 1e-9) * ACTIVATION_STEPS).astype(np.int64)
    columns = np.abs(weights).max(axis=0) / WEIGHT_STEPS
    return np.asarray(
        (whole @ np.rint(weights / columns).astype(np.int64)) * (largest / ACTIVATION_STEPS) * columns
    )


def test_products_are_those_of_whole_numbers(tmp_path: Path) -> None:
    """Every product is that of rounded rows and columns, on this processor too; what is no product stays exact."""
    draw = np.random.default_rng(5)
    weights = draw.normal(size=(K, N)).astype(np.float32)
    # Extremes of one sign are what 16 bits could not hold.
    weights[:, 0], weights[:, 1] = 1, -1
    x = draw.normal(size=(3, 5, K)).astype(np.float32)
    x[0, 0], x[0, 1], x[0, 2] = 7, -7, 0
    quantise(network(weights, tmp_path / "full.onnx"), tmp_path / "small.onnx")
    one, other = open_session(tmp_path / "small.onnx", 1).run(None, {"x": x})
    wanted = by_hand(x, weights)
    # A row may fall on the other side of a half: one step of it.
    assert one == pytest.approx(np.maximum(wanted, 0), abs=0.06)
    assert np.median(np.abs(one - np.maximum(wanted, 0))) < 1e-6
    assert one[0, :3, 0].tolist() == pytest.approx([7 * K, 0, 0], rel=1e-6)
    assert other - weights[3] == pytest.approx(wanted, abs=0.06)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_weights_are_off_by_half_a_step(seed: int, size: float) -> None:
    """No weight is off by more than half a step of its column; a column of zeros stays zero."""
    weights = (np.random.default_rng(seed).normal(size=(K, N)) * size).astype(np.float32)
    weights[:, 0] = 0
    whole, scales = quantised(weights)
    assert (whole[:, 0] == 0).all()
    assert int(np.abs(whole.astype(int)).max()) <= WEIGHT_STEPS
    assert (np.abs(whole * scales - weights) <= scales * 0.5001).all()


def test_much_weight_stands_beside_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What protobuf cannot hold goes to a file of its own, and the network gives the same."""
    weights = np.random.default_rng(5).normal(size=(K, N)).astype(np.float32)
    full = network(weights, tmp_path / "full.onnx")
    quantise(full, tmp_path / "one.onnx")
    monkeypatch.setattr(quantisation, "MOST_BYTES", 0)
    quantise(full, tmp_path / "two.onnx")
    assert (tmp_path / "two.onnx.data").is_file()
    x = np.ones((1, 1, K), dtype=np.float32)
    one, two = (open_session(tmp_path / name, 1).run(None, {"x": x}) for name in ("one.onnx", "two.onnx"))
    assert np.array_equal(one[0], two[0])


def test_nothing_to_quantise_is_said(tmp_path: Path) -> None:
    """A network without weights in products is not passed off as one in 8 bits."""
    file = network(np.ones((K, N), dtype=np.float32), tmp_path / "full.onnx")
    model = onnx.load(str(file))
    for one in model.graph.initializer:
        if one.name == "W":
            one.dims[:] = [1, K, N]
    onnx.save(model, str(file))
    with pytest.raises(InputError, match="no weights that can be quantised to int8"):
        quantise(file, tmp_path / "small.onnx")


@pytest.mark.filterwarnings("default")
def test_a_score_is_that_of_its_pair_alone(tmp_path: Path) -> None:
    """In 8 bits, too, a pair scores the same alone and beside others: reranking stays pointwise."""
    pytest.importorskip("sentence_transformers", reason="needs the local extra")
    pairs = [("the cat", "a mat " * length) for length in range(9)]
    mine = load_reranker("cross_encoder", model=str(make_classifier(tmp_path / "m")), precision="int8")
    alone = np.array([mine.score_pairs([pair])[0] for pair in pairs])
    assert np.std(alone) > 0.01
    assert mine.score_pairs(pairs) == pytest.approx(alone, abs=1e-5)
