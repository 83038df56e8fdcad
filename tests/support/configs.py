"""Configurations in a few words, as an experiment gets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalkit.config import Config
from evalkit.config.load import build_config
from evalkit.config.source import Source


def config_of(folder: Path, rerankers: dict[str, Any] | None = None, /, **more: Any) -> Config:
    """Return a configuration on a BEIR folder, with one local reranker unless others are given."""
    data = {
        "name": "t",
        "datasets": [{"source": "beir_folder", "path": str(folder)}],
        "retriever": {"depth": 5},
        "rerankers": rerankers or {"words": {"backend": "lexical"}},
        "metrics": ["nDCG@10"],
        **more,
    }
    return build_config(Source("c.yaml", data=data))
