"""Read the files that say what a model is, from a local folder or the hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.encoding.model_folder import check_model_folder

_DESCRIPTIONS = ("*.json", "*.jinja", "README.md")
"""Files of a hub repository that describe a model, without its weights."""
_OTHER_RUNTIMES = ("onnx/*", "openvino/*")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What the files of a model say about it.

    Attributes
    ----------
    name
        Folder or hub id, as configured.
    folder
        The local folder, or the snapshot of the hub repository, which may lack the weights.
    config
        Content of ``config.json``; empty if there is none, as for an adapter.
    modules
        Class name of each module in ``modules.json``, such as ``Pooling``; empty if there is none.
    library_config
        Content of ``config_sentence_transformers.json``; empty if there is none.
    tokenizer_config
        Content of ``tokenizer_config.json``; empty if there is none.
    chat_template
        Template of the tokenizer; None if it has none.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    modules: tuple[str, ...]
    library_config: Mapping[str, Any]
    tokenizer_config: Mapping[str, Any]
    chat_template: str | None

    @property
    def architectures(self) -> tuple[str, ...]:
        """Names of the classes that the weights belong to; empty if the configuration names none."""
        found = self.config.get("architectures")
        return tuple(map(str, found)) if isinstance(found, list) else ()

    @property
    def model_type(self) -> str:
        """Model type of the configuration; empty if it names none."""
        return str(self.config.get("model_type") or "")


def read_model_files(name: str, revision: str | None) -> ModelFiles:
    """Return what the files of a model say; those of a hub model are downloaded where they are not cached.

    Parameters
    ----------
    name, revision
        Folder or hub id, and commit of the hub repository; None for its newest.

    Raises
    ------
    InputError
        If a file is damaged.
    OSError, ValueError
        If the hub has no such model, or the model is not cached and the hub cannot be reached.
    """
    folder = Path(name)
    if not folder.is_dir():
        folder = _snapshot(name, revision)
    check_model_folder(folder)
    tokenizer_config = _object(folder / "tokenizer_config.json")
    return ModelFiles(
        name=name,
        folder=folder,
        config=_object(folder / "config.json"),
        modules=_modules(folder / "modules.json"),
        library_config=_object(folder / "config_sentence_transformers.json"),
        tokenizer_config=tokenizer_config,
        chat_template=_chat_template(folder, tokenizer_config),
    )


def _snapshot(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    path = snapshot_download(
        name,
        revision=revision,
        allow_patterns=list(_DESCRIPTIONS),
        ignore_patterns=list(_OTHER_RUNTIMES),
    )
    return Path(path)


def _object(path: Path) -> Mapping[str, Any]:
    content = json.loads(path.read_bytes()) if path.is_file() else {}
    return content if isinstance(content, dict) else {}


def _modules(path: Path) -> tuple[str, ...]:
    listed = json.loads(path.read_bytes()) if path.is_file() else []
    return tuple(str(module["type"]).rpartition(".")[2] for module in listed)


def _chat_template(folder: Path, tokenizer_config: Mapping[str, Any]) -> str | None:
    """Return the template in its own file, which takes precedence, or that of the tokenizer's configuration."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    template = tokenizer_config.get("chat_template")
    if isinstance(template, list):  # several templates by name
        named = {str(one.get("name")): one.get("template") for one in template if isinstance(one, dict)}
        template = named.get("default")
    return str(template) if template else None
