"""The identity of a backend: every setting that can change a score."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from evalkit import registry
from evalkit.cache import content_hash
from evalkit.config import JudgeSettings, RerankerSettings
from evalkit.records import Rater
from evalkit.rerankers.local_model import LocalModelSettings


def identity_of(settings: RerankerSettings) -> str:
    """Return the identity of a backend as canonical JSON.

    A setting is included unless its class lists it as immaterial, so that a new setting is included by
    default. So is a hash of the prompts that evalkit writes. A backend in this process includes evalkit's version,
    and a model in a local folder includes a hash of its files: both may change under an unchanged name. A server
    behind a url cannot be inspected.
    """
    return orjson.dumps(_fields(settings), option=orjson.OPT_SORT_KEYS).decode()


def material_settings(settings: RerankerSettings) -> dict[str, Any]:
    """Return the settings that can change a score as plain values, without the url, which names a server."""
    fields = _material(settings)
    fields.pop("url", None)
    served = settings.served_settings()
    return fields if served is None else material_settings(served)


def _material(settings: RerankerSettings) -> dict[str, Any]:
    """Return what can change a score; settings of later versions only if they have a value."""
    fields: dict[str, Any] = settings.model_dump(mode="json", exclude=set(settings.immaterial))
    if settings.prompt_sha256 is not None:
        fields["prompt_sha256"] = settings.prompt_sha256
    unset = {name for name in settings.material_if_set if fields.get(name) is None}
    return {name: value for name, value in fields.items() if name not in unset}


def _fields(settings: RerankerSettings) -> dict[str, Any]:
    fields = _material(settings)
    served = settings.served_settings()
    if served is not None:
        fields.pop("url", None)  # a free port, different in every run
        fields["serve"] = _fields(served)
    return _with_code(fields, "reranker backend", settings)


def judge_identity(settings: JudgeSettings, rater: Rater) -> str:
    """Return the identity of a judge as canonical JSON: its settings, scale and prompt, and the code that grades.

    Parameters
    ----------
    settings
        Its settings.
    rater
        The rater that they describe, which has the hash of the prompt.
    """
    fields = {
        **settings.deciding(),
        "kind": "judge",
        "scale": list(settings.scale),
        "instruction": settings.instruction,
        "prompt_sha256": rater.prompt_sha256,
    }
    found = _with_code(fields, "judge backend", settings)
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode()


def _with_code(
    fields: dict[str, Any], kind: str, settings: RerankerSettings | JudgeSettings
) -> dict[str, Any]:
    """Return fields with the versions and files that can change what a backend gives."""
    if not settings.traffic().billed:
        fields["evalkit"] = version(registry.DISTRIBUTION)
    plugin = registry.find(kind, settings.backend)
    if plugin.owner != registry.DISTRIBUTION:  # the code of a plugin may change under an unchanged name
        fields["plugin"] = plugin.version
    if isinstance(settings, LocalModelSettings):  # "auto" selects a runtime by what is installed
        fields["runtime"] = settings.computes_with
    model = fields.get("model")
    if isinstance(model, str) and Path(model).is_dir():
        fields["model_files"] = content_hash(Path(model))
    return fields
