"""Settings of `listwise`."""

from __future__ import annotations

from typing import Any

from evalkit.config import reranker_settings
from evalkit.rerankers.listwise_settings import ListwiseSettings

LEAST = {"backend": "listwise", "url": "http://127.0.0.1:8000", "model": "m"}


def settings_of(**more: Any) -> ListwiseSettings:
    """Return settings with what they cannot do without."""
    settings = reranker_settings({**LEAST, **more})
    assert isinstance(settings, ListwiseSettings)
    return settings
