"""Identify the state of a model, as part of cache keys of what is computed with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evalkit.cache import content_hash
from evalkit.encoding.library_runtime import first_line
from evalkit.encoding.model_settings import ModelSettings
from evalkit.errors import InputError, MissingExtraError, WorldError
from evalkit.http_client import hub_access


def state_of(settings: ModelSettings) -> str:
    """Return the commit of a hub model, or the hash of a local folder's contents.

    Raises
    ------
    InputError
        If the hub has no such model.
    WorldError
        If the hub is unreachable and the model is not downloaded.
    """
    folder = Path(settings.model)
    if folder.is_dir():
        return content_hash(folder)
    from huggingface_hub import hf_hub_download

    with model_access(settings.model):
        try:
            file = hf_hub_download(settings.model, "config.json", revision=settings.revision)
        except (OSError, ValueError) as error:
            raise InputError(
                f"model {settings.model!r} not found: {first_line(error)}",
                "use a local folder or a hub id; private models need HF_TOKEN",
            ) from None
    return Path(file).parent.name


@contextmanager
def model_access(model: str) -> Iterator[None]:
    """Open a model from the hub or its cache; if the hub cannot be reached, only from the cache.

    Raises
    ------
    WorldError
        In place of an `InputError` of the block, if the model is no folder and the hub cannot be reached.
    """
    if Path(model).is_dir():
        yield
        return
    with hub_access() as unreachable:
        try:
            yield
        except MissingExtraError:
            raise
        except InputError:
            if unreachable is None:
                raise
            raise WorldError(
                f"the model {model!r} is not in the cache, and {unreachable}",
                "check the network and HF_ENDPOINT, or download the model and set model to its folder",
            ) from None


def deciding_facts(settings: ModelSettings) -> dict[str, Any]:
    """Return all settings and facts that a model's output depends on; see `state_of` for errors."""
    unset = {name for name in ("prompt", "cutoff_layer") if getattr(settings, name) is None}
    facts = settings.model_dump(exclude=unset) | {
        "runtime": settings.computes_with,
        "state": state_of(settings),
    }
    return {name: value for name, value in facts.items() if name not in {"threads", "batch_tokens"}}
