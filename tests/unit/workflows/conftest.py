"""A collection for results that several tests of a file read."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.collections import write_beir_folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tiny collection, which nothing may change."""
    return write_beir_folder(tmp_path_factory.mktemp("tiny") / "tiny")
