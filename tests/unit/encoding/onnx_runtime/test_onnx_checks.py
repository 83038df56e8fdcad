"""An exported file that is not what it was made from is refused, and not kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.models import make_classifier

from evalkit.encoding.onnx_runtime import onnx_export
from evalkit.encoding.onnx_runtime.onnx_checks import CLOSE, relative_change
from evalkit.encoding.onnx_runtime.quantisation import quantise
from evalkit.errors import InputError
from evalkit.rerankers import load_reranker

pytest.importorskip("onnx", reason="needs the onnx extra")

ROWS = np.random.default_rng(5).normal(size=(17, 3)).astype(np.float32) * [1, 10, 0.1] + [0, 100, 3]


@given(st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_the_change_has_no_unit(shift: float, scale: float) -> None:
    """Neither the outputs' size nor a constant part of them matters."""
    other = ROWS + np.random.default_rng(7).normal(size=ROWS.shape)
    wanted = relative_change(ROWS, other)
    assert relative_change(ROWS * scale + shift, other * scale + shift) == pytest.approx(wanted, rel=1e-6)


def test_worthless_values_are_far_from_those_wanted() -> None:
    """Equal values are at 0, half the noise at 0.5, constant ones at 1, uncorrelated ones beyond, and nan is none."""
    assert relative_change(ROWS, ROWS) == 0
    assert relative_change(ROWS, (ROWS + ROWS.mean(axis=0)) / 2) == pytest.approx(0.5)
    assert relative_change(ROWS, ROWS * 0 + ROWS.mean(axis=0)) == pytest.approx(1)
    assert relative_change(ROWS, ROWS[::-1]) > 1
    assert not relative_change(ROWS, ROWS * np.nan) <= CLOSE
    assert relative_change(ROWS * 0, ROWS * 0) == 0
    assert relative_change(ROWS * 0, ROWS) == float("inf")


def scaled(factor: float) -> Callable[[Any], None]:
    """Return a function that multiplies the scales of all matrices."""
    import onnx

    def change(model: Any) -> None:
        for tensor in model.graph.initializer:
            if tensor.name.startswith("int8/") and tensor.data_type == onnx.TensorProto.FLOAT and tensor.dims:
                array = onnx.numpy_helper.to_array(tensor)
                tensor.CopyFrom(onnx.numpy_helper.from_array(array * np.float32(factor), tensor.name))

    return change


def duplicated(model: Any) -> None:
    """Give two nodes one output."""
    model.graph.node.append(model.graph.node[-1])


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (scaled(float("nan")), "different scores in int8: for test inputs they change by nan%"),
        (scaled(0), "different scores in int8: for test inputs they change by"),
        (scaled(-30), "different scores in int8: for test inputs they change by"),
        (duplicated, "cannot be quantised to int8: the exported file cannot be loaded: "),
    ],
)
def test_an_int8_file_that_is_not_near_fp32_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], None], message: str
) -> None:
    """Whatever makes it wrong, or impossible to load: the refusal names the model, and the cache has fp32 alone."""
    onnx = pytest.importorskip("onnx", reason="needs the onnx extra")
    pytest.importorskip("sentence_transformers", reason="needs the local extra")
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))

    def worse(source: Path, target: Path) -> None:
        """Quantise, and spoil the result."""
        quantise(source, target)
        model = onnx.load(str(target))
        change(model)
        onnx.save(model, str(target))

    monkeypatch.setattr(onnx_export, "quantise", worse)
    folder = make_classifier(tmp_path / "model")
    with pytest.raises(InputError) as caught:
        load_reranker("cross_encoder", model=str(folder), precision="int8")
    assert str(caught.value).startswith(f"the model {str(folder)!r} ")
    assert message in str(caught.value)
    assert caught.value.hint == "use precision: fp32"
    kept = [path.name for path in (tmp_path / "cache" / "onnx").iterdir() if path.is_dir()]
    assert len(kept) == 1
    assert not kept[0].endswith("int8")
