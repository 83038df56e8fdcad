"""Identify the state of a model, as part of cache keys of what is computed with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalkit.cache import fingerprint
from evalkit.encoding.library_runtime import first_line
from evalkit.encoding.model_settings import ModelSettings
from evalkit.errors import InputError


def state_of(settings: ModelSettings) -> str:
    """Return the commit of a hub model, or a fingerprint of a local folder.

    Raises
    ------
    InputError
        If the hub has no such model, or is unreachable and the model is not downloaded.
    """
    folder = Path(settings.model)
    if folder.is_dir():
        return fingerprint(folder)
    from huggingface_hub import hf_hub_download

    try:
        file = hf_hub_download(settings.model, "config.json", revision=settings.revision)
    except (OSError, ValueError) as error:
        raise InputError(
            f"model {settings.model!r} not found: {first_line(error)}",
            "use a local folder or a hub id; private models need HF_TOKEN",
        ) from None
    return Path(file).parent.name


def deciding_facts(settings: ModelSettings) -> dict[str, Any]:
    """Return all settings and facts that a model's output depends on; see `state_of` for errors."""
    facts = settings.model_dump() | {"runtime": settings.computes_with, "state": state_of(settings)}
    return {name: value for name, value in facts.items() if name not in {"threads", "batch_tokens"}}
