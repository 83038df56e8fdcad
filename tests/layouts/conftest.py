"""Fixtures of the tests on layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that makes the folder of a hub id, as if its model had been downloaded; the hub is offline."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def downloaded(hub_id: str) -> Path:
        """Return the folder in the cache."""
        home = tmp_path / "hub" / f"models--{hub_id.replace('/', '--')}"
        (home / "refs").mkdir(parents=True)
        (home / "refs" / "main").write_text(COMMIT, encoding="utf-8")
        return home / "snapshots" / COMMIT

    return downloaded
