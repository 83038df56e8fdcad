"""Open a model with the runtime that its settings select."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Protocol

from evalkit.config.input_paths import is_path
from evalkit.encoding.engine import Engine
from evalkit.encoding.model_settings import Card, ModelSettings
from evalkit.errors import EvalkitWarning, InputError


class OpenModel(Protocol):
    """A model in memory.

    Attributes
    ----------
    card
        Its metadata.
    """

    card: Card

    def engine(self, prompt: str | None = None, task: str | None = None, /) -> Engine:
        """Return an engine that puts a prompt before every input of a role; all engines share the model."""
        ...


def open_model(settings: ModelSettings) -> OpenModel:
    """Return the model, loaded with the runtime that its settings select.

    Raises
    ------
    MissingExtraError
        If the runtime is not installed.
    InputError
        If there is no such model, it is of another kind, or the runtime cannot run it.
    """
    if is_path(settings.model) and not Path(settings.model).is_dir():
        # This is clearly a path, not a hub id: fail without asking the hub.
        raise InputError(
            f"folder not found: {Path(settings.model).absolute()}",
            "check the path; relative paths start in the working directory",
        )
    model = _opened(settings)
    for remark in model.card.remarks:
        warnings.warn(remark, EvalkitWarning, stacklevel=2)
    return model


def _opened(settings: ModelSettings) -> OpenModel:
    if settings.computes_with == "onnx":
        from evalkit.encoding.onnx_runtime.onnx_model import OnnxModel

        return OnnxModel(settings)
    from evalkit.encoding.torch_runtime.torch_model import TorchModel

    return TorchModel(settings)
