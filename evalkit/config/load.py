"""From a YAML file to a `Config`, or to every problem in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath
from typing import Any, TypeVar

from evalkit import registry
from evalkit.config.blocks import DatasetSettings, RerankerSettings, RetrieverSettings
from evalkit.config.execution import ExecutionSettings
from evalkit.config.experiment import Config, Outline
from evalkit.config.explain import check_against
from evalkit.config.gate_rules import GateSettings
from evalkit.config.latency import LatencySettings
from evalkit.config.matrix import expand_matrices
from evalkit.config.overrides import apply_overrides
from evalkit.config.plugins import load_plugins
from evalkit.config.rules import check_rules
from evalkit.config.secrets_check import check_secrets
from evalkit.config.service import KeysFile, ServiceSettings
from evalkit.config.settings import Settings
from evalkit.config.source import Path, Problem, Source, read_source
from evalkit.errors import InputError

T = TypeVar("T")
Whole = TypeVar("Whole", bound=Settings)

_SELECTOR = {"dataset source": "source", "retriever kind": "kind", "reranker backend": "backend"}
"""The key that names the plugin of a block, by kind."""


def load_config(path: str | FilePath, overrides: Sequence[str] = ()) -> Config:
    """Read and check a configuration file; nothing is contacted.

    Parameters
    ----------
    path
        A YAML file.
    overrides
        ``path=value`` settings that win over the file.

    Raises
    ------
    ConfigError
        With every problem found, each as ``file:line:col: what`` and a hint.
    """
    return build_config(_read(path, "configuration"), overrides)


def load_gate(path: str | FilePath) -> GateSettings:
    """Read and check the rules of a gate; see `load_config`."""
    return _load(GateSettings, path, "rules")


def load_keys(path: str | FilePath) -> KeysFile:
    """Read and check the keys of a service; see `load_config`."""
    return _load(KeysFile, path, "file of keys")


def _load(kind: type[Whole], path: str | FilePath, what: str) -> Whole:
    source = _read(path, what)
    settings, problems = check_against(kind, source.data or {}, source, (), {})
    source.fail_if([*source.problems, *problems])
    if settings is None:
        raise AssertionError("what has no problems is settings")
    return settings


def _read(path: str | FilePath, what: str) -> Source:
    file = FilePath(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{what} not found: {file.resolve()}", "check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {file.resolve()}: {error}") from None
    return read_source(text, str(path))


def build_config(source: Source, overrides: Iterable[str] = ()) -> Config:
    """Check parsed YAML; see `load_config`."""
    apply_overrides(source, overrides)
    problems = [*source.problems, *expand_matrices(source)]
    outline, found = check_against(Outline, source.data or {}, source, (), _homes())
    problems += found
    data = _as(dict, source.data)
    problems += _load_plugins(_as(list, data.get("plugins")))
    blocks = _Blocks(source)
    datasets = [
        blocks.check("dataset source", dataset_block(block), ("datasets", index))
        for index, block in enumerate(_as(list, data.get("datasets")))
    ]
    retriever = blocks.check(
        "retriever kind", {"kind": "bm25", **_as(dict, data.get("retriever"))}, ("retriever",)
    )
    rerankers = {
        str(tag): blocks.check("reranker backend", block, ("rerankers", tag))
        for tag, block in _as(dict, data.get("rerankers")).items()
    }
    problems += blocks.problems
    problems += check_rules(outline or _sound_part(data, found), datasets, retriever, rerankers)
    problems += check_secrets(blocks.sound)
    source.fail_if(_outermost(problems))
    if outline is None or not isinstance(retriever, RetrieverSettings):
        raise AssertionError("a configuration without problems has all its parts")
    return Config(
        name=outline.name,
        seed=outline.seed,
        datasets=tuple(d for d in datasets if isinstance(d, DatasetSettings)),
        retriever=retriever,
        rerankers={tag: r for tag, r in rerankers.items() if isinstance(r, RerankerSettings)},
        depths=tuple(sorted(outline.depths)) if outline.depths else (retriever.depth,),
        metrics=outline.metrics,
        latency=outline.latency,
        quality=outline.quality,
        budget=outline.budget,
        compare=outline.compare,
        store=outline.store,
        execution=outline.execution,
        service=outline.service,
        plugins=outline.plugins,
        keep_texts=outline.keep_texts,
        precision_check=outline.precision_check,
    )


def validate_block(kind: str, block: dict[str, Any]) -> Settings:
    """Check one plugin block that comes from code or flags instead of a file.

    Raises
    ------
    ConfigError
        With every problem in it.
    """
    source = Source(_SELECTOR[kind] + " settings", data=block)
    blocks = _Blocks(source)
    settings = blocks.check(kind, block, ())
    source.fail_if(blocks.problems)
    if settings is None:
        raise AssertionError("a block without problems has settings")
    return settings


def retriever_settings(block: dict[str, Any]) -> RetrieverSettings:
    """Check the block of a retriever; see `validate_block`."""
    checked = validate_block("retriever kind", block)
    if not isinstance(checked, RetrieverSettings):
        raise TypeError(f"{type(checked).__name__} is not a RetrieverSettings")
    return checked


def reranker_settings(block: dict[str, Any]) -> RerankerSettings:
    """Check the block of a reranker; see `validate_block`."""
    checked = validate_block("reranker backend", block)
    if not isinstance(checked, RerankerSettings):
        raise TypeError(f"{type(checked).__name__} is not a RerankerSettings")
    return checked


class _Blocks:
    """Checks plugin blocks against their own Settings, gathering problems.

    Attributes
    ----------
    problems
        What is wrong.
    sound
        Settings of the blocks that are right by themselves, nested ones included, by where they stand.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.problems: list[Problem] = []
        self.sound: dict[Path, Settings] = {}

    def check(self, kind: str, block: Any, path: Path) -> Settings | None:
        """Return the Settings of one block, or None after noting what is wrong."""
        selector = _SELECTOR[kind]
        if not isinstance(block, dict):
            return None  # the outline check has said so already
        if not isinstance(block.get(selector), str):
            known = ", ".join(registry.names(kind))
            self.problems.append(
                Problem(path, f"key {selector!r} is missing", f"add '{selector}:', one of: {known}")
            )
            return None
        try:
            settings_class = registry.lookup(kind, block[selector]).Settings
        except InputError as error:  # unknown, there twice, or broken
            self.problems.append(Problem((*path, selector), error.message, error.hint))
            return None
        settings, found = check_against(settings_class, block, self._source, path, _homes())
        self.problems += found
        if settings is not None:
            self.sound[path] = settings
        for key, nested_kind in settings_class.nested.items():
            given = block.get(key)
            if isinstance(given, dict):
                self.check(nested_kind, given, (*path, key))
            for index, item in enumerate(_as(list, given)):
                self.check(nested_kind, item, (*path, key, index))
        return settings


def _sound_part(data: dict[str, Any], problems: Iterable[Problem]) -> Outline:
    """Return the outline of the keys without a problem, so that one mistake does not hide another."""
    broken = {problem.path[0] for problem in problems if problem.path}
    sound = {key: value for key, value in data.items() if key in Outline.model_fields and key not in broken}
    stand_ins = {"name": "unnamed", "datasets": ["demo"], "rerankers": {"unnamed": {}}}
    return Outline.model_validate_json(json.dumps(stand_ins | sound, default=str))


def dataset_block(block: Any) -> Any:
    """Turn the short form of a dataset into a block: ``demo``, or a hub name like ``beir/scifact``."""
    if not isinstance(block, str):
        return block
    return {"source": "hub", "path": block} if "/" in block else {"source": block}


def _as(kind: type[T], value: Any) -> T:
    return value if isinstance(value, kind) else kind()


def _outermost(problems: list[Problem]) -> list[Problem]:
    """Drop repeats: the outline and a block may both complain of the same place."""
    unique = {(p.path, p.at, p.message): p for p in problems}
    return list(unique.values())


def _load_plugins(files: list[Any]) -> list[Problem]:
    """Register the plugins of files; return what is wrong with them."""
    problems = []
    for index, file in enumerate(files):
        try:
            load_plugins(FilePath(str(file)))
        except InputError as error:
            problems.append(Problem(("plugins", index), error.message, error.hint))
    return problems


def _homes() -> dict[str, str]:
    """Return key -> the block it belongs to, for the keys people misplace."""
    homes = dict.fromkeys(Outline.model_fields, "")
    homes |= dict.fromkeys(
        ("url", "model", "dialect", "api_key_env", "backend", "timeout_s"), "rerankers.<tag>"
    )
    homes |= {key: "datasets[]" for key in DatasetSettings.model_fields if key != "name"}
    homes |= dict.fromkeys(("depth", "k1", "b", "kind"), "retriever")
    homes |= dict.fromkeys(LatencySettings.model_fields, "latency")
    homes |= dict.fromkeys(ExecutionSettings.model_fields, "execution")
    homes |= dict.fromkeys(ServiceSettings.model_fields, "service")
    homes["batch_size"] = homes["concurrency"] = "rerankers.<tag>"
    return homes
