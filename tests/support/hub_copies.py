"""A folder under the id of a hub repository, in a cache of the hub of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

COMMIT = "0" * 40


def cache_as(folder: Path, name: str, hub: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Copy a model's folder into a cache, let the libraries use that cache without network, and return the id.

    Parameters
    ----------
    folder
        The model.
    name
        Id of the repository, such as ``Qwen/Qwen3-Reranker-0.6B``.
    hub
        Where the cache is made.
    """
    from huggingface_hub import constants

    repository = hub / f"models--{name.replace('/', '--')}"
    shutil.copytree(folder, repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return name
