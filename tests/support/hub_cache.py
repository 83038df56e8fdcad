"""A model folder in the cache of the hub, as if it had been downloaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def as_hub_model(folder: Path, name: str, cache: Path, patch: pytest.MonkeyPatch) -> str:
    """Put a copy of a folder into an empty hub cache, without a network, and return its hub id."""
    home = cache / f"models--{name.replace('/', '--')}"
    shutil.copytree(folder, home / "snapshots" / COMMIT)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return name
