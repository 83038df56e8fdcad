"""What makes a backend the same backend: every setting that can change a score."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from evalkit import registry
from evalkit.cache import fingerprint
from evalkit.config import RerankerSettings
from evalkit.rerankers.local_model import LocalModelSettings


def identity_of(settings: RerankerSettings) -> str:
    """Return the identity of a backend as canonical JSON.

    A setting counts unless its class lists it as immaterial, so that a new one counts by default. A
    backend in this process counts with evalkit's version, a model in a local folder with that
    folder's files: both may change under an unchanged name. What stands behind a url cannot be seen.
    """
    return orjson.dumps(_fields(settings), option=orjson.OPT_SORT_KEYS).decode()


def _fields(settings: RerankerSettings) -> dict[str, Any]:
    fields: dict[str, Any] = settings.model_dump(mode="json", exclude=set(settings.immaterial))
    served = settings.served_settings()
    if served is not None:
        fields.pop("url", None)  # a free port, another one every time
        fields["serve"] = _fields(served)
    if not settings.traffic().billed:
        fields["evalkit"] = version(registry.DISTRIBUTION)
    plugin = registry.find("reranker backend", settings.backend)
    if (
        plugin.owner != registry.DISTRIBUTION
    ):  # another distribution's code, or a file's: both may change under one name
        fields["plugin"] = plugin.version
    if isinstance(settings, LocalModelSettings):  # what "auto" comes to depends on what is installed
        fields["runtime"] = settings.computes_with
    model = fields.get("model")
    if isinstance(model, str) and Path(model).is_dir():
        fields["model_files"] = fingerprint(Path(model))
    return fields
