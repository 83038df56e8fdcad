"""Check an exported file before it is kept: load it, run it on test inputs, and compare the outputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.engine import Engine
from evalkit.encoding.model_settings import ModelSettings
from evalkit.encoding.onnx_runtime.onnx_network import OnnxNetwork
from evalkit.encoding.tokens import Item, Tokeniser
from evalkit.errors import InputError

FAITHFUL = 1e-4
"""Largest accepted difference between the outputs of ONNX Runtime and torch, relative to max(1, largest output)."""
CLOSE = 0.5
"""Largest accepted root-mean-square change of the outputs by int8, relative to the outputs' standard deviation over the
test inputs. Values that are constant have 1, values that are uncorrelated with those in fp32 have more. Measured: 0.16
for all-MiniLM-L6-v2, 0.03 to 0.13 for 16 small random models of ten architectures."""
PROMPT = "query: "
"""The export is checked with and without it: some models exclude the prompt from pooling, which cannot be exported."""
_TEXTS = ("", "a cat", "How do I reset the device that stands in the hall?", "word " * 40)
_LONG = "word " * 400
"""Longer than local attention windows."""


def check_export(settings: ModelSettings, engine: Engine, file: Path) -> None:
    """Check that an exported file returns the same values as torch.

    Parameters
    ----------
    settings
        The model.
    engine
        The model on torch.
    file
        The file that ONNX Runtime will load.

    Raises
    ------
    InputError
        If it cannot be loaded or run, or differs by more than `FAITHFUL`.
    """
    wanted = np.stack(engine.run(_items(settings)).rows)
    if not np.isfinite(wanted).all():
        raise InputError(
            f"the model {settings.model!r} returns values that are not finite for test inputs, in fp32",
            "check its weights",
        )
    with _refused(settings, "cannot be exported to ONNX", file, "use runtime: torch"):
        found = _outputs(settings, engine.tokeniser, file)
    gap = float(np.abs(wanted - found).max() / max(1.0, float(np.abs(wanted).max())))
    if not gap <= FAITHFUL:
        how = f"after export to ONNX (largest relative difference: {gap:.1e})"
        raise _different(settings, how, "use runtime: torch")


def check_quantised(settings: ModelSettings, tokeniser: Tokeniser, full: Path, file: Path) -> None:
    """Check that a file with 8-bit weights returns nearly the values of the file in fp32.

    Parameters
    ----------
    settings
        The model.
    tokeniser
        Its tokeniser.
    full, file
        The files in fp32 and in int8.

    Raises
    ------
    InputError
        If it cannot be loaded or run, or differs by more than `CLOSE`.
    """
    wanted = _outputs(settings, tokeniser, full)
    with _refused(settings, "cannot be quantised to int8", file, "use precision: fp32"):
        found = _outputs(settings, tokeniser, file)
    change = relative_change(wanted, found)
    if not change <= CLOSE:
        limits = f"{change:.0%} of their standard deviation (accepted: {CLOSE:.0%})"
        raise _different(settings, f"in int8: for test inputs they change by {limits}", "use precision: fp32")


def relative_change(wanted: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Return the difference of ``(n, k)`` outputs (root mean square), relative to the deviation of `wanted` over rows.

    It is 0 for equal values, 1 for constant ones and nan for those that are not finite.
    """
    difference = float(np.linalg.norm(wanted - found))
    spread = float(np.linalg.norm(wanted - wanted.mean(axis=0)))
    if difference == 0:
        return 0.0
    return difference / spread if spread > 0 else float("inf")


def _different(settings: ModelSettings, how: str, hint: str) -> InputError:
    return InputError(f"the model {settings.model!r} gives different scores {how}", hint)


def _items(settings: ModelSettings) -> list[Item]:
    if settings.kind == "cross_encoder":
        return [*product(_TEXTS, _TEXTS), (_TEXTS[1], _LONG)]
    return [*_TEXTS, _LONG]


def _outputs(settings: ModelSettings, tokeniser: Tokeniser, file: Path) -> NDArray[np.float32]:
    """Return the ``(n, k)`` outputs of an exported file for the test inputs."""
    network = OnnxNetwork(file, "fp32")
    engine = Engine(tokeniser, network, network.batch_tokens, model=settings.model)
    return np.stack(engine.run(_items(settings)).rows)


@contextmanager
def _refused(settings: ModelSettings, what: str, file: Path, hint: str) -> Iterator[None]:
    """Raise an error of the block as one of the model: the file is a temporary one, which is not kept."""
    try:
        yield
    except InputError as error:
        reason = error.message.replace(f"the exported model {file}", "the exported file")
        raise InputError(f"the model {settings.model!r} {what}: {reason}", hint) from None
