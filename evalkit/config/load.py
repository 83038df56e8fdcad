"""Load a YAML file as a `Config`, or raise one error with every problem in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path as FilePath
from typing import Any, TypeVar

from evalkit import registry
from evalkit.config.blocks import DatasetSettings, RerankerSettings, RetrieverSettings
from evalkit.config.cascade_settings import bind_stages
from evalkit.config.ensemble_settings import ensemble_problems
from evalkit.config.experiment import Config, ExecutionSettings, Outline
from evalkit.config.explain import check_against
from evalkit.config.gate_rules import GateSettings
from evalkit.config.input_paths import WORKING_DIRECTORY, SearchedFolders, resolve_inputs
from evalkit.config.judge_settings import JudgeSettings
from evalkit.config.judgment_paths import with_judgment_paths
from evalkit.config.latency import LatencySettings
from evalkit.config.matrix import expand_matrices
from evalkit.config.overrides import apply_overrides
from evalkit.config.plugins import load_plugins
from evalkit.config.rules import check_rules, primary_metric
from evalkit.config.run_settings import expand_runs, with_datasets
from evalkit.config.secrets_check import (
    KeyCheck,
    called_blocks,
    check_keys,
    check_secrets,
    unencrypted_keys,
    with_key_problems,
)
from evalkit.config.service import KeysFile, ServiceSettings
from evalkit.config.settings import Settings
from evalkit.config.source import Path, Problem, Source, read_source, source_of
from evalkit.config.yaml_limits import MOST_BYTES
from evalkit.errors import InputError
from evalkit.formats import read_text

T = TypeVar("T")
Loaded = TypeVar("Loaded", bound=Settings)

_SELECTOR = {
    "dataset source": "source",
    "retriever kind": "kind",
    "reranker backend": "backend",
    "judge backend": "backend",
}
"""Kind of plugin -> the key of a block that names the plugin."""


def is_config_file(path: str | FilePath) -> bool:
    """Return whether an argument of a command is a configuration, by the suffix of its name."""
    return FilePath(path).suffix.lower() in {".yaml", ".yml"}


def load_config(
    path: str | FilePath | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    check_files: bool = True,
    keys: KeyCheck = "required",
) -> Config:
    """Load and check a configuration, without network access.

    Parameters
    ----------
    path
        A YAML file, or a dictionary with the content of one. Paths in a dictionary start at the working directory.
    overrides
        ``path=value`` settings that replace those of the file.
    check_files
        Whether a file that the configuration names and that cannot be read is a problem.
    keys
        Whether an environment variable that is not set is a problem, or gives an `EvalkitWarning`. Only calls need
        keys; those of a judge are checked by commands that call it.

    Raises
    ------
    InputError
        If the file cannot be read.
    ConfigError
        If the configuration is invalid; it contains every problem, as ``file:line:col: message`` with a hint. For a
        dictionary, the path of the key replaces the position: ``rerankers.mine.url: message``.
    """
    if isinstance(path, Mapping):
        return build_config(source_of(path), overrides, SearchedFolders(required=check_files), keys)
    folders = SearchedFolders(FilePath(path).parent, required=check_files)
    return build_config(_read(path, "configuration"), overrides, folders, keys)


def load_gate(path: str | FilePath) -> GateSettings:
    """Load and check the rules of a gate; see `load_config`."""
    return _load(GateSettings, path, "rules")


def load_keys(path: str | FilePath) -> KeysFile:
    """Load and check the keys of a service; see `load_config`."""
    return _load(KeysFile, path, "file of keys")


def _load(settings_class: type[Loaded], path: str | FilePath, what: str) -> Loaded:
    source = _read(path, what)
    settings, problems = check_against(settings_class, source.data or {}, source, (), {})
    source.fail_if([*source.problems, *problems])
    if settings is None:
        raise AssertionError("what has no problems is settings")
    return settings


def _read(path: str | FilePath, what: str) -> Source:
    file = FilePath(path)
    if not file.exists():
        raise InputError(f"{what} not found: {file.resolve()}", "check the path")
    return read_source(read_text(file, MOST_BYTES), str(path))


def build_config(
    source: Source,
    overrides: Iterable[str] = (),
    folders: SearchedFolders = WORKING_DIRECTORY,
    keys: KeyCheck = "required",
) -> Config:
    """Check parsed YAML; see `load_config`."""
    apply_overrides(source, overrides)
    problems = [*source.problems, *expand_matrices(source), *_without_systems(source.data)]
    expand_runs(source)
    unread = list(resolve_inputs(Outline, source.data, folders))
    problems += unread
    outline, outline_problems = check_against(Outline, source.data or {}, source, (), _blocks_of_keys())
    problems += outline_problems
    data = _or_empty(dict, source.data)
    unread_plugins = {problem.path[-1] for problem in unread if problem.path[0] == "plugins"}
    problems += _load_plugins(_or_empty(list, data.get("plugins")), unread_plugins)
    checker = _BlockChecker(source, folders)
    datasets = [
        checker.check("dataset source", dataset_block(block), ("datasets", index))
        for index, block in enumerate(_or_empty(list, data.get("datasets")))
    ]
    retriever = checker.check(
        "retriever kind", {"kind": "bm25", **_or_empty(dict, data.get("retriever"))}, ("retriever",)
    )
    rerankers = {
        str(tag): checker.check("reranker backend", block, ("rerankers", tag))
        for tag, block in _or_empty(dict, data.get("rerankers")).items()
    }
    judges = {
        str(tag): checker.check("judge backend", block, ("judges", tag))
        for tag, block in _or_empty(dict, data.get("judges")).items()
    }
    problems += checker.problems
    runs = _or_empty(dict, data.get("runs"))
    problems += check_rules(
        outline or _valid_part(data, outline_problems), datasets, retriever, rerankers, runs, judges
    )
    problems += ensemble_problems(judges)
    problems += check_secrets(checker.valid)
    problems = with_key_problems(problems, source.data)
    called = called_blocks(checker.valid, keys)
    without_key = list(check_keys(called))
    source.fail_if(_without_repeats([*problems, *(without_key if keys != "warned" else [])]))
    if keys == "warned":
        source.warn(without_key)
    source.warn(list(unencrypted_keys(called)))
    if outline is None or not isinstance(retriever, RetrieverSettings):
        raise AssertionError("a configuration without problems has all its parts")
    return _config(outline, datasets, retriever, rerankers, judges, folders.config or FilePath())


def _config(
    outline: Outline,
    datasets: Sequence[Settings | None],
    retriever: RetrieverSettings,
    rerankers: Mapping[str, Settings | None],
    judges: Mapping[str, Settings | None],
    folder: FilePath,
) -> Config:
    """Return the configuration of an outline and its blocks, which have no problems."""
    checked_datasets = tuple(
        with_judgment_paths(one, folder) for one in datasets if isinstance(one, DatasetSettings)
    )
    return Config(
        name=outline.name,
        seed=outline.seed,
        datasets=checked_datasets,
        retriever=retriever,
        rerankers=bind_stages({tag: r for tag, r in rerankers.items() if isinstance(r, RerankerSettings)}),
        judges={tag: j for tag, j in judges.items() if isinstance(j, JudgeSettings)},
        runs=with_datasets(outline.runs, checked_datasets),
        depths=tuple(sorted(outline.depths)) if outline.depths else (retriever.depth,),
        below_depth=outline.below_depth,
        metrics=outline.metrics,
        tokenizer=outline.tokenizer,
        latency=outline.latency,
        quality=outline.quality,
        budget=outline.budget,
        compare=outline.compare.model_copy(update={"primary": primary_metric(outline)}),
        store=outline.store,
        execution=outline.execution,
        service=outline.service,
        plugins=outline.plugins,
        keep_texts=outline.keep_texts,
        precision_check=outline.precision_check,
        drift_check=outline.drift_check,
    )


def validate_block(kind: str, block: dict[str, Any]) -> Settings:
    """Check one plugin block that does not come from a configuration file.

    Raises
    ------
    ConfigError
        If the block is invalid; it contains every problem.
    """
    source = Source(_SELECTOR[kind] + " settings", data=block)
    checker = _BlockChecker(source)
    settings = checker.check(kind, block, ())
    source.fail_if(with_key_problems(checker.problems, block))
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


class _BlockChecker:
    """Checks blocks against the Settings of their plugins and collects the problems.

    Attributes
    ----------
    problems
        Problems of all blocks checked so far.
    valid
        Path -> settings of each block without problems, including nested blocks.
    """

    def __init__(self, source: Source, folders: SearchedFolders = WORKING_DIRECTORY) -> None:
        self._source, self._folders = source, folders
        self.problems: list[Problem] = []
        self.valid: dict[Path, Settings] = {}

    def check(self, kind: str, block: Any, path: Path) -> Settings | None:
        """Return the Settings of one block; return None and collect the problems if it is invalid."""
        selector = _SELECTOR[kind]
        if not isinstance(block, dict):
            return None  # the check of the outline reports this
        if not isinstance(block.get(selector), str):
            known = ", ".join(registry.names(kind))
            self.problems.append(
                Problem(path, f"key {selector!r} is missing", f"add '{selector}:', one of: {known}")
            )
            return None
        try:
            settings_class = registry.lookup(kind, block[selector]).Settings
        except InputError as error:  # unknown, registered twice, or not importable
            self.problems.append(Problem((*path, selector), error.message, error.hint))
            return None
        # Settings that hold the block of another plugin get it after its inputs are resolved.
        for key, nested_kind in settings_class.nested.items():
            nested = block.get(key)
            if isinstance(nested, dict):
                self.check(nested_kind, nested, (*path, key))
            for index, item in enumerate(_or_empty(list, nested)):
                self.check(nested_kind, item, (*path, key, index))
        unread = list(resolve_inputs(settings_class, block, self._folders, path))
        settings, problems = check_against(settings_class, block, self._source, path, _blocks_of_keys())
        self.problems += [*unread, *problems]
        if settings is not None:
            self.valid[path] = settings
            self._check_contents(settings, path, unread)
        return settings

    def _check_contents(self, settings: Settings, path: Path, unread: list[Problem]) -> None:
        """Collect what a dataset's own check of its files finds, if its paths exist."""
        if self._folders.required and not unread and isinstance(settings, DatasetSettings):
            self.problems += [Problem(path, error.message, error.hint) for error in settings.missing_files()]


def _valid_part(data: dict[str, Any], problems: Sequence[Problem]) -> Outline:
    """Return an outline of the keys without problems, so that rules can be checked in an invalid configuration."""
    invalid = {problem.path[0] for problem in problems if problem.path}
    valid = {key: value for key, value in data.items() if key in Outline.model_fields and key not in invalid}
    bad_runs = {
        problem.path[1] for problem in problems if problem.path[:1] == ("runs",) and len(problem.path) > 1
    }
    if bad_runs:
        valid["runs"] = {tag: run for tag, run in data["runs"].items() if tag not in bad_runs}
    placeholders = {"name": "unnamed", "datasets": ["demo"]}
    return Outline.model_validate_json(json.dumps(placeholders | valid, default=str))


def _without_systems(data: Any) -> list[Problem]:
    """Return the problem of a configuration that has neither a reranker nor a run."""
    if not isinstance(data, dict) or data.get("runs") or data.get("rerankers"):
        return []
    hint = "add 'rerankers:', or 'runs:' to compare TREC runs"
    if isinstance(data.get("rerankers"), dict):
        return [Problem(("rerankers",), "'rerankers' must not be empty", hint)]
    return [] if "rerankers" in data else [Problem((), "key 'rerankers' is missing", hint)]


def dataset_block(block: Any) -> Any:
    """Expand the short form of a dataset into a block: ``demo``, or a hub name like ``beir/scifact``."""
    if not isinstance(block, str):
        return block
    return {"source": "hub", "path": block} if "/" in block else {"source": block}


def _or_empty(kind: type[T], value: Any) -> T:
    """Return the value if it has the given type, else an empty instance of the type."""
    return value if isinstance(value, kind) else kind()


def _without_repeats(problems: list[Problem]) -> list[Problem]:
    """Drop problems that are reported both for the outline and for a block."""
    unique = {(p.path, p.at, p.message): p for p in problems}
    return list(unique.values())


def _load_plugins(files: list[Any], unread: AbstractSet[Any]) -> list[Problem]:
    """Register the plugins in files, except the unread ones; return the problems of files that cannot be loaded."""
    problems = []
    for index, file in enumerate(files):
        if index in unread:
            continue
        try:
            load_plugins(FilePath(str(file)))
        except InputError as error:
            problems.append(Problem(("plugins", index), error.message, error.hint))
    return problems


def _blocks_of_keys() -> dict[str, str]:
    """Return key -> the block it belongs to (empty: the top level), for keys that are often misplaced."""
    blocks = dict.fromkeys(Outline.model_fields, "")
    blocks |= dict.fromkeys(
        ("url", "model", "dialect", "api_key_env", "backend", "timeout_s"), "rerankers.<tag>"
    )
    blocks |= {key: "datasets[]" for key in DatasetSettings.model_fields if key != "name"}
    blocks |= dict.fromkeys(("depth", "k1", "b", "kind"), "retriever")
    blocks |= dict.fromkeys(LatencySettings.model_fields, "latency")
    blocks |= dict.fromkeys(ExecutionSettings.model_fields, "execution")
    blocks |= dict.fromkeys(ServiceSettings.model_fields, "service")
    blocks |= {"latencies": "runs.<tag>", "batch_size": "rerankers.<tag>", "concurrency": "rerankers.<tag>"}
    return blocks
