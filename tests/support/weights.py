"""Change the weights of a model that is saved in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def change_weights(folder: Path, renamed: Callable[[str], str | None]) -> Path:
    """Save the weights of a folder under other names; those without a name are left out."""
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    weights = {new: weight for name, weight in load_file(file).items() if (new := renamed(name)) is not None}
    save_file(weights, file, metadata={"format": "pt"})
    return folder
