"""Read the files that say what a model is, from a local folder or the hub."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit.encoding.checkpoints.model_folder import check_model_folder

_DESCRIPTIONS = ("*.json", "*.jinja", "README.md", "artifact.metadata")
"""Files of a hub repository that describe a model, without its weights."""
_ROUTER = "router_config.json"
_OTHER_RUNTIMES = ("onnx/*", "openvino/*")
_TRANSFORMER_CONFIGS = ("sentence_bert_config.json", "sentence_roberta_config.json", "sentence_xlm-roberta_config.json",
                        "sentence_distilbert_config.json", "sentence_camembert_config.json",
                        "sentence_albert_config.json", "sentence_xlnet_config.json")  # fmt: skip
"""Files in which versions of sentence-transformers keep the settings of a module that runs transformers."""


@dataclass(frozen=True, slots=True)
class NetworkFiles:
    """What the files of one network say: most models have one, those with a module per role have two.

    Attributes
    ----------
    config
        Content of its ``config.json``; not empty.
    task
        Task for which sentence-transformers loads it, such as ``text-generation``; empty if none is stated.
    tokenizer_config
        Content of the ``tokenizer_config.json`` in the same folder; empty if there is none.
    """

    config: Mapping[str, Any]
    task: str
    tokenizer_config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModuleFiles:
    """What the files say of a module of sentence-transformers.

    Attributes
    ----------
    kind
        Its class, with its package, such as ``sentence_transformers.models.Pooling``.
    path
        Its folder, in that of the model; empty for the same one.
    config
        Content of its ``config.json``; empty if there is none.
    """

    kind: str
    path: str
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of its class, such as ``Pooling``."""
        return self.kind.rpartition(".")[2]


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
        Content of ``config.json``, or of that of the first module if the folder itself has none; empty if there is
        none, as for an adapter.
    module_files
        Each module in ``modules.json``, and then those between which a router chooses; empty if there are none.
    networks
        Networks that transformers loads.
    library_config
        Content of ``config_sentence_transformers.json``; empty if there is none.
    tokenizer_config
        Content of ``tokenizer_config.json``; empty if there is none.
    chat_template
        Template of the tokenizer; None if it has none.
    adapter_config
        Content of ``adapter_config.json``; empty if there is none.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    module_files: tuple[ModuleFiles, ...]
    networks: tuple[NetworkFiles, ...]
    library_config: Mapping[str, Any]
    tokenizer_config: Mapping[str, Any]
    chat_template: str | None
    adapter_config: Mapping[str, Any]

    @property
    def modules(self) -> tuple[str, ...]:
        """Class name of each module, such as ``Pooling``."""
        return tuple(one.name for one in self.module_files)

    @property
    def architectures(self) -> tuple[str, ...]:
        """Names of the classes that the weights belong to; empty if the configuration names none."""
        found = self.config.get("architectures")
        return tuple(map(str, found)) if isinstance(found, list) else ()

    @property
    def model_type(self) -> str:
        """Model type of the configuration; empty if it names none."""
        return str(self.config.get("model_type") or "")


def read_model_files(name: str, revision: str | None, *, cached_only: bool = False) -> ModelFiles:
    """Return what the files of a model say; those of a hub model are downloaded where they are not cached.

    Parameters
    ----------
    name, revision
        Folder or hub id, and commit of the hub repository; None for its newest.
    cached_only
        Whether nothing is downloaded.

    Raises
    ------
    InputError
        If a file is damaged.
    OSError, ValueError
        If the hub has no such model, or the model is not cached and the hub cannot be reached.
    """
    folder = Path(name)
    if not folder.is_dir():
        folder = _snapshot(name, revision, cached_only=cached_only)
    check_model_folder(folder)
    tokenizer_config = _object(folder / "tokenizer_config.json")
    modules = _modules(folder)
    networks = tuple(_networks(folder, modules))
    return ModelFiles(
        name=name,
        folder=folder,
        config=networks[0].config if networks else {},
        module_files=tuple(
            ModuleFiles(kind, place, _object(folder / place / "config.json")) for kind, place in modules
        ),
        networks=networks,
        library_config=_object(folder / "config_sentence_transformers.json"),
        tokenizer_config=tokenizer_config,
        chat_template=_chat_template(folder, tokenizer_config),
        adapter_config=_object(folder / "adapter_config.json"),
    )


def files_of_route(files: ModelFiles, route: str | None) -> ModelFiles:
    """Return the files of a model, with the folder and the tokenizer's settings of one of its router's routes.

    Parameters
    ----------
    files
        The model's files.
    route
        Name of the route; None for a model without a router.
    """
    configs = [*files.folder.glob(_ROUTER), *files.folder.glob(f"*/{_ROUTER}")]
    for config in configs if route is not None else ():
        structure = _object(config).get("structure")
        listed = structure.get(route) if isinstance(structure, dict) else None
        if listed:
            folder = config.parent / str(listed[0])
            return replace(files, folder=folder, tokenizer_config=_object(folder / "tokenizer_config.json"))
    return files


def _snapshot(name: str, revision: str | None, *, cached_only: bool) -> Path:
    from huggingface_hub import snapshot_download

    path = snapshot_download(
        name,
        revision=revision,
        allow_patterns=list(_DESCRIPTIONS),
        ignore_patterns=list(_OTHER_RUNTIMES),
        local_files_only=cached_only,
    )
    return Path(path)


def _object(path: Path) -> Mapping[str, Any]:
    content = json.loads(path.read_bytes()) if path.is_file() else {}
    return content if isinstance(content, dict) else {}


def _modules(folder: Path) -> list[tuple[str, str]]:
    """Return class and folder of each module, and of those between which a router chooses."""
    path = folder / "modules.json"
    listed = json.loads(path.read_bytes()) if path.is_file() else []
    modules = [(str(module["type"]), str(module["path"])) for module in listed]
    routed = []
    for _, place in modules:
        kinds = _object(folder / place / _ROUTER).get("types")
        if isinstance(kinds, dict):
            routed += [(str(kind), str(Path(place) / name)) for name, kind in kinds.items()]
    return [*modules, *routed]


def _networks(folder: Path, modules: list[tuple[str, str]]) -> Iterator[NetworkFiles]:
    """Yield the networks that transformers loads: the folder's own, and those of modules in folders of their own."""
    own = [folder / place for kind, place in modules if "Transformer" in kind]
    for place in dict.fromkeys([folder, *own]):
        if config := _object(place / "config.json"):
            settings = next(filter(None, (_object(place / name) for name in _TRANSFORMER_CONFIGS)), {})
            task = str(settings.get("transformer_task") or "")
            yield NetworkFiles(config, task, _object(place / "tokenizer_config.json"))


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
