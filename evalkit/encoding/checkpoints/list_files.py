"""Recognise listwise rerankers, which score a whole list with code of their own, without loading them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LIST_CLASS = "JinaForRanking"
"""Architecture of jina-reranker-v3, which reads the query and all documents of a list in one input."""
_KNOWN = re.compile(r"jinaai/jina-reranker-v3(\.\d+)?", re.IGNORECASE)
"""Hub ids that are listwise, for models that are not downloaded yet."""


def is_listwise(model: str, revision: str | None) -> bool:
    """Return whether a model scores whole lists, by its ``config.json``; by its hub id if it is not downloaded.

    Parameters
    ----------
    model, revision
        Folder or hub id, and commit of the hub repository; None for its newest.
    """
    file = _config_file(model, revision)
    if file is None:
        return _KNOWN.fullmatch(model) is not None
    try:
        config = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):  # the error is raised where the model is opened
        return False
    return isinstance(config, dict) and scores_lists(config)


def scores_lists(config: Mapping[str, Any]) -> bool:
    """Return whether the content of a ``config.json`` is that of a listwise reranker."""
    architectures = config.get("architectures")
    return isinstance(architectures, list) and LIST_CLASS in architectures


def _config_file(model: str, revision: str | None) -> Path | None:
    """Return the ``config.json`` of a folder or of the hub's cache; None if there is none."""
    folder = Path(model)
    if not folder.is_dir():
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        try:
            cached = try_to_load_from_cache(model, "config.json", revision=revision)
        except HFValidationError:  # no hub id
            return None
        return Path(cached) if isinstance(cached, str) else None
    file = folder / "config.json"
    return file if file.is_file() else None
